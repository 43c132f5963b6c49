-- The action `http-request lua.curfew URL`: asks Curfew whether a request may pass, and who sent it.
--
-- It sets these variables of the transaction, and nothing else:
--   txn.curfew_status                            200, 401 or 403; 503 for whatever else happened
--   txn.curfew_user, _email, _workspace, _role, _groups, _session, _assertion
--
-- They are set if and only if the status is 200. haproxy.cfg lets a request pass for 200 alone, so that an error in here,
-- or no answer, is a refusal.

-- HAProxy's client tries four times: without an answer the request is refused after two seconds.
local TIMEOUT_MS = 500
local IDENTITY = { "user", "email", "workspace", "role", "groups", "session", "assertion" }

-- Every line of a header that the client sent. HAProxy counts them from 0.
local function lines(headers, name)
    local found = {}
    local values = headers[name] or {}
    local index = 0
    while values[index] do
        found[#found + 1] = values[index]
        index = index + 1
    end
    return found
end

-- What Curfew needs of the request: where it comes from, its cookies, and a session token if it brings one. Any other
-- Authorization is the application's own.
local function question(txn)
    local received = txn.http:req_get_headers()
    local headers = {
        ["x-forwarded-for"] = { txn.sf:src() },
        ["cookie"] = lines(received, "cookie"),
        ["authorization"] = {},
    }
    for _, value in ipairs(lines(received, "authorization")) do
        if value:lower():match("^bearer%s+cfs_") then
            table.insert(headers["authorization"], value)
        end
    end
    return headers
end

local function ask(txn, url)
    local client = core.httpclient()
    local answer = client:get { url = url, headers = question(txn), timeout = TIMEOUT_MS }
    local status = answer and answer.status
    if status ~= 200 and status ~= 401 and status ~= 403 then
        return 503
    end
    if status == 200 then
        for _, name in ipairs(IDENTITY) do
            local value = answer.headers["x-curfew-" .. name]
            if not value then
                return 503 -- not Curfew's: it always sends all of them
            end
            txn:set_var("txn.curfew_" .. name, value[0])
        end
    end
    return status
end

core.register_action("curfew", { "http-req" }, function(txn, url)
    local asked, status = pcall(ask, txn, url)
    txn:set_var("txn.curfew_status", asked and status or 503)
end, 1)
