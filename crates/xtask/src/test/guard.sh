# Runs a server for as long as standard input stays open.
#
#   guard.sh FOLDER OWNER SIGNAL COMMAND [ARGUMENT ...]
#
# Standard input is a pipe. Whoever starts this writes a password into it and then only holds it:
# it closes however that process ends, SIGKILL included. Then the server gets SIGNAL until it is
# gone. COMMAND runs in FOLDER, which is made here, with the password in a file, and removed in the
# end. When the server ends by itself, so does this, after its last words.

folder=$1
owner=$2
signal=$3
shift 3

# A background command would otherwise read /dev/null.
exec 3<&0 </dev/null

umask 077
mkdir "$folder" 2>&1 || exit
cd "$folder" || exit
read -r password <&3
printf '%s\n' "$password" >password
[ -z "$owner" ] || chown -R "$owner" .

"$@" >log 2>&1 3<&- &
server=$!

# Again and again, because a server that is still starting may not listen to signals yet.
{
    read -r _ <&3
    tries=0
    while kill -s "$signal" "$server"; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || signal=KILL
        sleep 0.2
    done
} >/dev/null 2>&1 &
watch=$!
exec 3<&-

wait "$server"
kill "$watch"
tail -n 20 log
cd /
rm -rf "$folder"
