//! Applications that follow what ends sessions: they are told everything of their workspace, once and in order, and one that
//! obeys its lease accepts nothing after a revocation was answered.

mod client;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use self::client::{Application, PATH, Stream, key};
use crate::support::{Database, OTHER_OWNER, TestApp, send};

/// The longest lease of an application.
const LEASE: Duration = Duration::from_millis(1_000);
/// A lease, and what a busy machine takes.
const LEASE_AND_MORE: Duration = Duration::from_millis(1_900);

/// Ends a session; gives the revocation's number.
async fn end(app: &TestApp, owner: &str, token: &str) -> i64 {
    let id = app.session_id(token).await;
    end_by_id(app, owner, &id).await
}

async fn end_by_id(app: &TestApp, owner: &str, id: &str) -> i64 {
    let receipt = app.delete(owner, &format!("/api/v1/sessions/{id}")).await.expect(200).json();
    receipt["sequence"].as_i64().expect("a number")
}

on_both_databases! {
    /// What each kind of change says, one after the other; and a stream that comes back is told what it has missed.
    async fn changes_come_in_order_and_a_stream_goes_on(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let (one, two) = (app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        let one_id = app.session_id(&one).await;
        let mut stream = Stream::open(&app.base, &key, None).await;
        let begun = stream.sequence;
        let lease = stream.next_lease().await;
        assert!(lease.id >= begun && lease.data["until_ms"].as_i64().is_some_and(|until| (1..=1_000).contains(&until)));

        let (sequence, told) = tokio::join!(end_by_id(&app, &owner, &one_id), async {
            let told = stream.next_change().await;
            stream.acknowledge(told.id).await.expect(204);
            told
        });
        assert_eq!((told.event.as_str(), told.id), ("revocation", sequence));
        for (field, value) in [("scope", "session"), ("session", &one_id), ("user", &person.id), ("trigger", "admin")] {
            assert_eq!(told.data[field], value, "{told:?}");
        }
        assert!(told.data["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{told:?}");
        drop(stream);

        app.set_active(&person.id, false).await.expect(200);
        let spared = app.session_id(&owner).await;
        app.log_all_users_out(&owner, "While nobody listens").await;
        let mut stream = Stream::open(&app.base, &key, Some(sequence)).await;
        assert_eq!(stream.sequence, sequence);
        let (user, everybody) = (stream.next_change().await, stream.next_change().await);
        assert_eq!((&user.data["scope"], &user.data["user"]), (&json!("user"), &json!(person.id)), "{user:?}");
        assert_eq!(everybody.data["scope"], "workspace", "{everybody:?}");
        assert_eq!(everybody.data["spared_session"], spared, "{everybody:?}");
        assert!(everybody.data["epoch"].as_i64().is_some_and(|epoch| epoch > 0), "{everybody:?}");
        assert!(sequence < user.id && user.id < everybody.id);
        stream.acknowledge(everybody.id).await.expect(204);
        assert!(stream.next_lease().await.id >= everybody.id);

        let request = app.request(Method::GET, &format!("{PATH}?since=0")).bearer_auth(&key);
        let response = request.header("Last-Event-ID", everybody.id.to_string()).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "what a client repeats by itself counts more than its address");
        assert!(!app.is_live(&two).await);
    }

    /// Every number once and in order, whoever revokes meanwhile, and however often the connection breaks.
    async fn nothing_is_missed_and_nothing_is_told_twice(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let mut sessions = Vec::new();
        for _ in 0..36 {
            let token = app.sign_in(&person.email).await;
            sessions.push(app.session_id(&token).await);
        }
        let mut steady = Stream::open(&app.base, &key, None).await;
        let begun = steady.sequence;
        let count = sessions.len();
        let (server, administrator) = (&app, &owner);
        let revoking = join_all(sessions.chunks(9).map(|chunk| async move {
            let mut numbers = Vec::new();
            for id in chunk {
                numbers.push(end_by_id(server, administrator, id).await);
            }
            numbers
        }));
        let reading = async {
            let mut numbers = Vec::new();
            while numbers.len() < count {
                let told = steady.next_change().await;
                numbers.push(told.id);
                steady.acknowledge(told.id).await.expect(204);
            }
            numbers
        };
        let breaking = async {
            let (mut numbers, mut since) = (Vec::new(), begun);
            while numbers.len() < count {
                let mut stream = Stream::open(&app.base, &key, Some(since)).await;
                for _ in 0..7.min(count - numbers.len()) {
                    since = stream.next_change().await.id;
                    numbers.push(since);
                    stream.acknowledge(since).await.expect(204);
                }
            }
            numbers
        };
        let (revoked, read, resumed) = tokio::join!(revoking, reading, breaking);
        let revoked: BTreeSet<i64> = revoked.into_iter().flatten().collect();
        assert_eq!(revoked.len(), count);
        assert_eq!(read, revoked.iter().copied().collect::<Vec<_>>());
        assert_eq!(resumed, read);
    }

    /// Another workspace's changes move the numbers on, and that is all one hears of them.
    async fn another_workspace_is_not_overheard(app: TestApp) {
        let (owner, stranger) = (app.owner_token().await, app.sign_in_to("globex", OTHER_OWNER).await);
        let key = key(&app, &owner).await;
        let mut stream = Stream::open(&app.base, &key, None).await;
        let asked = Instant::now();
        let receipt = app.log_all_users_out(&stranger, "Somebody else's business").await;
        assert!(asked.elapsed() < LEASE, "a stream of another workspace was waited for");
        let sequence = receipt["sequence"].as_i64().expect("a number");
        loop {
            let lease = stream.next_lease().await;
            if lease.id >= sequence {
                break;
            }
        }
        let mut old = Stream::open(&app.base, &key, Some(0)).await;
        let mut scopes = Vec::new();
        while old.sequence < sequence {
            let told = old.next().await;
            if told.event == "revocation" {
                scopes.push(told.data["scope"].clone());
                old.acknowledge(told.id).await.expect(204);
            }
            old.sequence = told.id;
        }
        assert!(!scopes.contains(&json!("workspace")), "{scopes:?}");
    }

    /// Who may follow, and what is no stream, no number and no clock.
    async fn only_a_key_for_it_follows(app: TestApp) {
        let (owner, stranger) = (app.owner_token().await, app.sign_in_to("globex", OTHER_OWNER).await);
        let (key, other) = (key(&app, &owner).await, key(&app, &stranger).await);
        let checker = app.api_key(&owner).await;
        send(app.request(Method::GET, PATH)).await.expect(401);
        app.get(&owner, PATH).await.expect(401);
        app.get(&checker, PATH).await.expect_problem(403, "forbidden");
        let body = json!({"stream": "x.1", "sequence": 0});
        app.post(&checker, "/api/v1/revocations/ack", body.clone()).await.expect_problem(403, "forbidden");
        for (query, field) in [
            ("since=-1", "since"),
            ("since=yesterday", "since"),
            ("since=99999999999999999999", "since"),
            ("clock_ms=-1", "clock_ms"),
            ("clock_ms=9007199254740992", "clock_ms"),
        ] {
            app.get(&key, &format!("{PATH}?{query}")).await.expect_field(field);
        }
        let request = app.request(Method::GET, PATH).bearer_auth(&key).header("Last-Event-ID", "the last one");
        send(request).await.expect_field("Last-Event-ID");

        let stream = Stream::open(&app.base, &key, None).await;
        let acknowledge = async |key: &str, body| app.post(key, "/api/v1/revocations/ack", body).await;
        let own = stream.id.rsplit_once('.').expect("a replica and a number").0;
        for id in ["", "x", "x.y", &format!("{own}.999999"), &format!("{own}.-1"), &format!("{own}.")] {
            let answer = acknowledge(&key, json!({"stream": id, "sequence": 0})).await;
            answer.expect_problem(404, "not-found");
        }
        let body = json!({"stream": stream.id, "sequence": stream.sequence});
        acknowledge(&other, body.clone()).await.expect_problem(404, "not-found");
        acknowledge(&key, body).await.expect(204);
        for (sequence, field) in [(json!(-1), "sequence"), (json!(1_000_000), "sequence"), (json!("1"), "sequence")] {
            acknowledge(&key, json!({"stream": stream.id, "sequence": sequence})).await.expect_field(field);
        }
        acknowledge(&key, json!({"stream": stream.id})).await.expect_field("sequence");
        let body = json!({"stream": stream.id, "sequence": stream.sequence, "clock_ms": -1});
        acknowledge(&key, body).await.expect_field("clock_ms");
    }

    /// A key that is revoked opens nothing any more, and what it opened ends.
    async fn a_stream_ends_with_its_key(app: TestApp) {
        let owner = app.owner_token().await;
        let key = key(&app, &owner).await;
        let mut stream = Stream::open(&app.base, &key, None).await;
        stream.next_lease().await;
        let keys = app.all_items(&owner, "/api/v1/api-keys").await;
        let id = keys[0]["id"].as_str().expect("an id");
        app.delete(&owner, &format!("/api/v1/api-keys/{id}")).await.expect(204);
        let ended = async { while stream.next_or_end().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(9), ended).await.expect("it ends within seconds");
        app.get(&key, PATH).await.expect(401);
    }

    /// SIGTERM does not wait for streams, and their clients go on with the next server where they were.
    async fn streams_end_with_their_server(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let token = app.sign_in(&person.email).await;
        let mut stream = Stream::open(&app.base, &key, None).await;
        let last = stream.next_lease().await.id;
        let begun = Instant::now();
        let app = app.restart().await;
        assert!(begun.elapsed() < Duration::from_secs(6), "stopping took {:?}", begun.elapsed());
        while stream.next_or_end().await.is_some() {}
        let sequence = end(&app, &owner, &token).await;
        let mut stream = Stream::open(&app.base, &key, Some(last)).await;
        assert_eq!(stream.next_change().await.id, sequence);
    }

    /// What can't be told any more, or never was: drop everything. Then it goes on.
    async fn whoever_missed_too_much_begins_anew(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let (one, two) = (app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        let sequence = end(&app, &owner, &one).await;
        let mut ahead = Stream::open(&app.base, &key, Some(sequence + 1_000)).await;
        let reset = ahead.next().await;
        assert_eq!((reset.event.as_str(), reset.id), ("reset", sequence), "{reset:?}");
        drop(ahead);
        app.sql("DELETE FROM revocation RETURNING seq").await;
        let mut late = Stream::open(&app.base, &key, Some(sequence - 1)).await;
        let reset = late.next().await;
        assert_eq!((reset.event.as_str(), reset.id), ("reset", sequence), "{reset:?}");
        late.acknowledge(reset.id).await.expect(204);
        assert_eq!(late.next_lease().await.id, sequence);
        let (next, told) = tokio::join!(end(&app, &owner, &two), late.next_change());
        assert_eq!(told.id, next);
        let mut at_the_head = Stream::open(&app.base, &key, Some(next)).await;
        at_the_head.next_lease().await;
    }

    /// A revocation is answered when the application has acknowledged it, or can't answer from before it any more.
    async fn a_revocation_waits_for_the_application(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let token = app.sign_in(&person.email).await;
            ids.push(app.session_id(&token).await);
        }
        let mut stream = Stream::open(&app.base, &key, None).await;
        let granted = async |stream: &mut Stream| {
            let lease = stream.next_lease().await;
            lease.data["until_ms"].as_i64().expect("an instant") - stream.clock_ms()
        };
        // Acknowledged after a while: no sooner, and not much later.
        granted(&mut stream).await;
        let ((answered, told), acknowledged) = {
            let revoking = async {
                let sequence = end_by_id(&app, &owner, &ids[0]).await;
                (Instant::now(), sequence)
            };
            let reading = async {
                let told = stream.next_change().await;
                tokio::time::sleep(Duration::from_millis(150)).await;
                let asked = Instant::now();
                stream.acknowledge(told.id).await.expect(204);
                asked
            };
            tokio::join!(revoking, reading)
        };
        assert!(answered > acknowledged, "a revocation was answered before its application acknowledged it");
        // Not acknowledged: when the last lease has run out, which the client knows to be so before.
        let left = granted(&mut stream).await;
        let begun = Instant::now();
        let sequence = end_by_id(&app, &owner, &ids[1]).await;
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(u64::try_from(left - 60).unwrap_or_default()), "{took:?}, {left} ms were left");
        assert!(took < LEASE_AND_MORE, "{took:?}");
        // And nobody is waited for twice.
        let begun = Instant::now();
        end_by_id(&app, &owner, &ids[2]).await;
        assert!(begun.elapsed() < LEASE, "{:?}", begun.elapsed());
        assert!(sequence > told);
    }

    /// A client that opens a stream and never reads it delays others once, by a lease at the most, and is cut.
    async fn a_client_that_never_reads_is_cut(app: TestApp) {
        let (owner, person) = (app.owner_token().await, app.provision("person").await);
        let key = key(&app, &owner).await;
        let (one, two) = (app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(2_048).expect("a small buffer");
        let address = app.base.trim_start_matches("http://").parse().expect("an address");
        let mut deaf = socket.connect(address).await.expect("the server listens");
        let head = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
        deaf.write_all(head.as_bytes()).await.expect("a new connection takes bytes");
        tokio::time::sleep(Duration::from_millis(400)).await;
        let begun = Instant::now();
        end(&app, &owner, &one).await;
        assert!(begun.elapsed() < LEASE_AND_MORE, "{:?}", begun.elapsed());
        let begun = Instant::now();
        end(&app, &owner, &two).await;
        assert!(begun.elapsed() < LEASE, "{:?}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        app.advance(31);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let reading = async {
            let mut buffer = [0; 4_096];
            while matches!(deaf.read(&mut buffer).await, Ok(read) if read > 0) {}
        };
        tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the connection has ended");
    }

    /// The promise: whatever the application is busy with, its memory accepts nothing after a revocation was answered.
    async fn an_application_that_obeys_is_never_wrong(app: TestApp) {
        obeys(&app, &app.base).await;
    }
}

/// Rounds of revocations of every kind; the application follows the server at `base`, and is slow in its own ways.
async fn obeys(app: &TestApp, base: &str) {
    let person = app.provision("person").await;
    let owner = app.owner_token().await;
    let key = key(app, &owner).await;
    let (application, following) = Application::start(base, &key);
    for round in 0_u64..16 {
        application.slowness_ms.store(0, Ordering::Relaxed);
        let (one, two) = (app.sign_in(&person.email).await, app.sign_in(&person.email).await);
        for token in [&one, &two, &owner] {
            application.learn(token).await;
        }
        application.slowness_ms.store([0, 5, 120, 700][usize::try_from(round / 4).expect("small")], Ordering::Relaxed);
        let busy = {
            let (application, one, two) = (application.clone(), one.clone(), two.clone());
            tokio::spawn(async move {
                for _ in 0..30 {
                    tokio::join!(application.ask(&one), application.ask(&two));
                }
            })
        };
        let ended = match round % 4 {
            0 => {
                end(app, &owner, &one).await;
                vec![&one]
            }
            1 => {
                app.set_active(&person.id, false).await.expect(200);
                vec![&one, &two]
            }
            2 => {
                app.log_all_users_out(&owner, "A round of a test").await;
                vec![&one, &two]
            }
            _ => {
                app.post(&two, "/api/v1/logout", json!({})).await.expect(204);
                vec![&two]
            }
        };
        for _ in 0..100 {
            for token in &ended {
                assert!(!application.believes(token), "round {round}: accepted after the answer");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        busy.await.expect("it asks to its end");
        for token in &ended {
            assert!(!application.believes(token), "round {round}: an answer that was under way was remembered");
        }
        app.set_active(&person.id, true).await.expect(200);
    }
    following.abort();
}

/// The same when application and administrator talk to different servers.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_at_another_replica_is_never_wrong() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    obeys(&app, &second.base).await;
    second.stop().await;
}

/// Behind a load balancer a word may come to the wrong server: it is passed on. A machine that is busy with other tests may be
/// slower than a lease now and then, not every time.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_finds_its_replica() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    let (owner, person) = (app.owner_token().await, app.provision("person").await);
    let key = key(&app, &owner).await;
    let mut stream = Stream::open(&second.base, &key, None).await;
    let mut heard = 0;
    for _ in 0..6 {
        let token = app.sign_in(&person.email).await;
        let until_ms = stream.long_lease().await;
        let began = stream.began();
        let (ended_ms, ()) = tokio::join!(
            async {
                end(&app, &owner, &token).await;
                i64::try_from(began.elapsed().as_millis()).expect("a short test")
            },
            async {
                let told = stream.next_change().await;
                stream.acknowledge_at(&app.base, told.id).await.expect(202);
            }
        );
        heard += i32::from(ended_ms < until_ms);
    }
    assert!(heard >= 2, "{heard} of 6 revocations ended before the lease did: words get lost");
    second.stop().await;
}
