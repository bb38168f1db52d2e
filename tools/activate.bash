# Source this file to work in the project's environment: `source tools/activate.bash [runtime|dev]`.
# Missing parts are set up first.

_jtn_activate() {
    local python commands
    python=$(command -v python3 || uv python find '>=3.8') || {
        echo 'jtn_ros: no Python was found: install python3 or uv' >&2
        return 1
    }
    commands=$("$python" "$(dirname "${BASH_SOURCE[0]}")/environment.py" activate "$1") || return 1
    # The setup files of colcon and ROS use unset variables.
    case $- in
        *u*) set +u; eval "$commands"; set -u ;;
        *) eval "$commands" ;;
    esac
}

case ${1:-} in
    runtime | dev) _jtn_activate "$1" ;;
    *) _jtn_activate auto ;; # without arguments, bash passes those of the caller
esac
