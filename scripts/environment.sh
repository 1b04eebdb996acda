# shellcheck shell=sh
# Sourced by the other scripts: makes a private virtual environment below
# .venv/ and keeps it up to date with pyproject.toml and constraints.txt.
#
#     root=/path/of/the/repository
#     prepare_environment NAME EXTRAS     # EXTRAS: "" or "[test,check]"
#
# sets $environment, or ends the script: 2 without a usable Python, 1 if the
# environment cannot be made. Only the first use, and the first after a change
# of those two files or a move of the repository, takes time. Messages go to
# stderr; stdin and stdout are untouched.

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

prepare_environment() {
    environment=${root:?}/.venv/$1
    extras=$2
    place="$root $extras"
    # Written last: an environment without this stamp is incomplete.
    stamp="$place
$(cd "$root" && cksum pyproject.toml constraints.txt)"
    # Made by a separate process, which the lock can name.
    environment_is_ready ||
        root=$root environment=$environment extras=$extras place=$place stamp=$stamp \
            sh -c '. "$root/scripts/environment.sh"; make_environment' "$0" || exit $?
}

environment_is_ready() {
    [ -x "$environment/bin/python" ] && [ -f "$environment/stamp" ] || return 1
    { IFS= read -r line1; IFS= read -r line2; IFS= read -r line3; } <"$environment/stamp"
    [ "$line1
$line2
$line3" = "$stamp" ]
}

make_environment() {
    python=$(find_python) || exit 2
    if ! { mkdir -p "$root/.venv" && [ -w "$root/.venv" ]; } 2>/dev/null; then
        say "cannot write to $root/.venv, where the private environment belongs; make it writable, or use another copy"
        exit 1
    fi
    log=$environment.log
    whole=no
    take_lock
    if environment_is_ready; then # another process has just made it
        whole=yes
        exit 0
    fi

    say "setting up $environment (on first use only, takes a minute) …"
    cd "$root" || exit 1
    if install_with_uv >"$log" 2>&1 </dev/null || install_with_pip >>"$log" 2>&1 </dev/null; then
        printf '%s\n' "$stamp" >"$environment/stamp" && whole=yes && exit 0
    fi
    cat "$log" >&2
    say "could not set up $environment: see above. It was removed; the next run tries again"
    exit 1
}

# --- Python ------------------------------------------------------------------

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1; then
            "$candidate" -c 'import sys; print(sys.executable)' </dev/null
            return
        fi
    done
    found=$(python3 -c 'import sys; print("Python %d.%d.%d" % sys.version_info[:3])' </dev/null 2>/dev/null)
    say "Python 3.11 or newer is needed; python3 is ${found:-not there}. Install one and put it on PATH"
    return 1
}

# --- installing ----------------------------------------------------------------

# Keeps an outdated environment of this repository; removes any other.
clear_unless_updatable() {
    made_for=''
    IFS= read -r made_for 2>/dev/null <"$environment/stamp"
    rm -f "$environment/stamp"
    if [ "$made_for" != "$place" ] || ! "$environment/bin/python" -c ''; then
        rm -rf "$environment"
        return 0
    fi
    return 1
}

install_with_uv() {
    command -v uv >/dev/null || return 1
    if clear_unless_updatable; then
        uv venv --quiet --seed --python "$python" "$environment" || return 1
    fi
    uv_install hatchling editables && uv_install --no-build-isolation --editable ".$extras"
}

uv_install() {
    UV_COMPILE_BYTECODE=${UV_COMPILE_BYTECODE:-1} \
        uv pip install --quiet --python "$environment/bin/python" --constraint constraints.txt "$@"
}

install_with_pip() {
    if clear_unless_updatable; then
        "$python" -m venv "$environment" || { # a Python without ensurepip
            rm -rf "$environment"
            "$python" -m venv --without-pip "$environment" || return 1
        }
    fi
    # The build backend first, so that its version is pinned too.
    pip_install hatchling editables && pip_install --no-build-isolation --editable ".$extras"
}

pip_install() {
    if "$environment/bin/python" -c 'import pip' 2>/dev/null; then
        set -- "$environment/bin/python" -m pip install "$@"
    else
        set -- "$python" -m pip --python "$environment/bin/python" install "$@"
    fi
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$@" --quiet --constraint constraints.txt
}

# --- one process at a time ---------------------------------------------------

take_lock() {
    lock=$environment.lock
    waited=0
    until mkdir "$lock" 2>/dev/null; do
        [ "$waited" -ne 0 ] || say "waiting for another process that sets up $environment …"
        # Only one of the waiting processes may remove the lock of a dead one.
        if lock_is_stale && mkdir "$lock.judged" 2>/dev/null; then
            if lock_is_stale; then rm -rf "$lock"; fi
            rmdir "$lock.judged"
            continue
        fi
        if [ "$waited" -ge 900 ]; then
            say "waited 15 minutes; if no other process is setting it up, remove $root/.venv and try again"
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    trap 'release_lock' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '%s %s\n' "$$" "$(uname -n)" >"$lock/owner"
}

lock_is_stale() {
    owner='' host=''
    read -r owner host 2>/dev/null <"$lock/owner"
    if [ -z "$owner" ]; then
        [ "$waited" -ge 10 ] # its owner ended before writing its name
    else
        [ "$host" = "$(uname -n)" ] && ! kill -0 "$owner" 2>/dev/null && [ ! -e "/proc/$owner" ]
    fi
}

release_lock() {
    [ "$whole" = yes ] || rm -rf "$environment"
    rm -rf "$log" "$lock"
}
