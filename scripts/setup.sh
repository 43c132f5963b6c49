#!/usr/bin/env bash
# Installs what is missing, and nothing else: `scripts/setup.sh build test lint` (any of them; default: build).
#
#   build  what the compiler and the linker need      test  the real servers and tools that the tests drive
#   lint   cargo-deny, into .tools/
#
# Quick when everything is there. On Debian and Ubuntu it uses apt, with sudo if needed; elsewhere it names what is
# missing and stops. It starts no service: programs are installed, their system services are not started.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo_deny_version=0.20.2
lemonldap='lemonldap-ng-fastcgi-server liblemonldap-ng-portal-perl liblasso-perl libxml-simple-perl libio-string-perl'
lemonldap+=' libstring-random-perl libmime-tools-perl libemail-address-xs-perl libemail-sender-perl'
missing=() # one line each: what, Debian packages, what it is called in Fedora

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
any_file() { compgen -G "$1" >/dev/null; }

# need WHAT "DEBIAN PACKAGES" "FEDORA PACKAGES" TEST… : remembers WHAT unless TEST succeeds.
need() {
  local what=$1 debian=$2 fedora=$3
  shift 3
  "$@" >/dev/null 2>&1 || missing+=("$what|$debian|$fedora")
}

# ---- what is there?

compiles() { printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null -; }

# bindgen loads libclang and reads the compiler's own headers (stddef.h) from beside it: both, of one version.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return
  local lib
  for lib in /usr/lib/llvm-*/lib /usr/lib/llvm*/lib64 /usr/lib64 /usr/lib /usr/local/lib; do
    if { any_file "$lib/libclang.so*" || any_file "$lib/libclang-[0-9]*.so*"; } &&
      any_file "$lib/clang/*/include/stddef.h"; then
      return
    fi
  done
  return 1
}

have_postgres() { have initdb || any_file '/usr/lib/postgresql/*/bin/initdb'; }
have_nginx() { PATH=$PATH:/usr/sbin:/usr/local/sbin nginx -V 2>&1 | grep -q http_auth_request_module; }
have_haproxy() { [[ $(PATH=$PATH:/usr/sbin:/usr/local/sbin haproxy -vv 2>&1) == *+LUA* ]]; }
have_chromium() { have chromium || have chromium-browser || have google-chrome; }
have_php() { php -r 'exit(extension_loaded("dom") ? 0 : 1);' >/dev/null 2>&1; }
have_simplesamlphp() { [ -d .tools/simplesamlphp/usr/share/simplesamlphp/www ] || [ -d /usr/share/simplesamlphp/www ]; }
# With what its packages only recommend, and its portal doesn't start without; version 2.21 wants the mail modules.
have_lemonldap() {
  have plackup && perl -MLemonldap::NG::Portal -MLasso -MXML::Simple -MIO::String -MString::Random -MMIME::Entity \
    -MEmail::Address::XS -MEmail::Sender::Simple -e 1
}

check_build() {
  need "a C compiler" "gcc libc6-dev" "gcc glibc-devel" compiles
  need "pkg-config" "pkg-config" "pkgconf-pkg-config" have pkg-config
  need "xmlsec1 with OpenSSL" "libxmlsec1-dev libxmlsec1-openssl" "xmlsec1-devel xmlsec1-openssl-devel" \
    pkg-config --exists xmlsec1 xmlsec1-openssl libxml-2.0
  need "OpenSSL" "libssl-dev" "openssl-devel" pkg-config --exists openssl
  need "libclang and its headers" "@libclang" "clang-devel" have_libclang
}

check_test() {
  need "PostgreSQL's server programs" "postgresql" "postgresql-server" have_postgres
  need "nginx with auth_request" "nginx-light nginx" "nginx" have_nginx
  need "Caddy" "caddy" "caddy" have caddy
  need "HAProxy with Lua" "haproxy" "haproxy" have_haproxy
  need "Chromium" "chromium chromium-browser" "chromium" have_chromium
  need "chromedriver" "chromium-driver chromium-chromedriver" "chromedriver" have chromedriver
  need "Python 3 with venv" "python3 python3-venv" "python3" python3 -c 'import ensurepip, venv'
  # php-cgi comes first: what asks for PHP is content with it, and apt brings no Apache.
  need "PHP with XML" "php-cgi php-cli php-xml" "php-cli php-xml" have_php
  need "SimpleSAMLphp 1.19" "@simplesamlphp" "simplesamlphp" have_simplesamlphp
  need "LemonLDAP::NG's portal with SAML" "$lemonldap" "lemonldap-ng-portal lasso-perl perl-XML-Simple" have_lemonldap
  need "the program xmlsec1" "xmlsec1" "xmlsec1" have xmlsec1
  need "curl" "curl" "curl" have curl
  need "jq" "jq" "jq" have jq
}

# ---- install what is not

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    have sudo || fail "not root and no sudo: run as root: $*"
    sudo "$@"
  fi
}

known() { apt-cache show --no-all-versions "$1" 2>/dev/null | grep -q '^Filename:'; }

# The first that apt knows of alternatives.
first_known() {
  local package
  for package in "$@"; do
    if known "$package"; then
      say "$package"
      return
    fi
  done
  fail "apt knows none of: $*"
}

# The distribution's default libclang with its headers (14 in Debian 12), or else the newest. Not simply the newest:
# bindgen makes wrong bindings, silently, from a libclang that is newer than what it knows.
libclang_packages() {
  local default newer version library
  default=$(apt-cache depends libclang-dev 2>/dev/null | sed -n 's/.*Depends: libclang-\([0-9]*\)-dev$/\1/p')
  newer=$(apt-cache pkgnames libclang-common- | sed -n 's/^libclang-common-\([0-9]*\)-dev$/\1/p' | sort -rn)
  for version in $default $newer; do
    for library in "libclang1-$version" "libclang1-${version}t64"; do
      if known "$library" && known "libclang-common-$version-dev"; then
        say "$library libclang-common-$version-dev"
        return
      fi
    done
  done
  say libclang-dev
}

# The packages for one Debian column. Alternatives: nginx, Chromium and its driver have other names in Ubuntu.
packages_of() {
  case $1 in
    @libclang) libclang_packages ;;
    @simplesamlphp) if known simplesamlphp; then say simplesamlphp; fi ;;
    nginx-light* | chromium*) # shellcheck disable=SC2086 # a list of names
      first_known $1 ;;
    *) say "$1" ;;
  esac
}

# Debian 13 has no package of SimpleSAMLphp: there Debian 12's, PHP files alone, is unpacked into .tools/. It comes from the
# mirror that apt uses, and is what its SHA-256 says, or is refused.
unpack_simplesamlphp() {
  local file=simplesamlphp_1.19.7-1+deb12u2_all.deb mirror folder
  local sum=2162aa3d124df3ce4ccef27c3b2127ff4f019482f3aac6e162e59a577ee6235d
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian/*$') ||
    fail "apt knows no SimpleSAMLphp, and no mirror of Debian to fetch it from"
  folder=$(mktemp -d)
  say "setup: unpacking $file into .tools/"
  /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file \
    "${mirror%/}/pool/main/s/simplesamlphp/$file" "$folder/$file" "SHA256:$sum"
  mkdir -p .tools/simplesamlphp
  dpkg-deb -x "$folder/$file" .tools/simplesamlphp
  rm -r "$folder"
}

# Programs only: what a package wants to be started at the next boot is not, either.
without_boot() {
  have systemctl || return 0
  as_root systemctl disable --quiet lemonldap-ng-fastcgi-server.service liblemonldap-ng-handler-perl.timer \
    liblemonldap-ng-portal-perl.timer liblemonldap-ng-portal-perl.service 2>/dev/null || true
}

# While this file says 101, Debian's packages start no service (policy-rc.d of Debian's invoke-rc.d).
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  "$@"
}

install_with_apt() {
  local entry names list packages=()
  say "setup: refreshing apt's package lists"
  as_root apt-get update -qq
  for entry in "${missing[@]}"; do
    names=$(packages_of "$(cut -d'|' -f2 <<<"$entry")")
    read -ra list <<<"$names"
    packages+=("${list[@]}")
  done
  say "setup: installing ${packages[*]}"
  without_services as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
  case " ${packages[*]} " in *" lemonldap-ng-fastcgi-server "*) without_boot ;; esac
  case " ${missing[*]} " in *@simplesamlphp*) have_simplesamlphp || unpack_simplesamlphp ;; esac
}

name_and_stop() {
  local entry what debian fedora
  {
    say "setup: missing here, and this is not a Debian or Ubuntu with apt:"
    for entry in "${missing[@]}"; do
      IFS='|' read -r what debian fedora <<<"$entry"
      debian=${debian/@libclang/libclang-dev}
      debian=${debian/@/}
      say "  - $what   (Debian: $debian; Fedora: $fedora)"
    done
    say "Install them and run this again."
  } >&2
  exit 1
}

satisfy() {
  missing=()
  "check_$1"
  [ "${#missing[@]}" -eq 0 ] && return
  say "setup: missing for $1: $(printf '%s; ' "${missing[@]%%|*}")"
  if have apt-get; then install_with_apt; else name_and_stop; fi
  missing=()
  "check_$1"
  [ "${#missing[@]}" -eq 0 ] || fail "still missing after the installation: $(printf '%s; ' "${missing[@]%%|*}")"
}

lint_tools() {
  if [ -x .tools/bin/cargo-deny ] || cargo deny --version >/dev/null 2>&1; then
    return
  fi
  say "setup: building cargo-deny $cargo_deny_version into .tools/ (once, a few minutes)"
  cargo install --locked --root .tools --version "$cargo_deny_version" cargo-deny
}

have cargo || fail "Rust is missing. Install it from https://rustup.rs and run this again."
for part in "${@:-build}"; do
  case $part in
    build | test) satisfy "$part" ;;
    lint) lint_tools ;;
    *) fail "what is \"$part\"? Say build, test or lint." ;;
  esac
done
