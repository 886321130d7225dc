#!/usr/bin/env bash
# A Slurm of one node on this machine, as root, for trying batch scripts: 8 processors are claimed, whatever there are. Jobs of the partition
# `urgent` preempt those of `all`, which have 60 s to go.
# usage: scripts/slurm/one-node.sh start|stop FOLDER    (installs Debian's slurm-wlm and munge where missing)
# start prints the line that makes this Slurm that of a shell: export SLURM_CONF=FOLDER/slurm.conf
set -euo pipefail
fail() { echo "one-node.sh: $*" >&2 && exit "${status:-64}"; }
[ $# -eq 2 ] && [[ "$1" == start || "$1" == stop ]] || fail "expected start or stop, and a folder"
folder="$(realpath -m "$2")"

if [ "$1" = stop ]; then
    for name in slurmctld slurmd munged; do
        [ ! -e "$folder/$name.pid" ] || kill "$(<"$folder/$name.pid")" 2>/dev/null || true
        rm -f "$folder/$name.pid"
    done
    exit 0
fi

[ "$(id -u)" -eq 0 ] || status=77 fail "this needs root: Slurm's and munge's daemons start as it"
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge >&2
fi
mkdir -p "$folder/state" "$folder/spool" /run/munge
host="$(hostname -s)"
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts

[ -e /etc/munge/munge.key ] || /usr/sbin/mungekey --create
chown munge:munge /run/munge /etc/munge/munge.key
chmod 755 /run/munge
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
    setpriv --reuid munge --regid munge --clear-groups /usr/sbin/munged --force --pid-file /run/munge/munged.pid
    cp /run/munge/munged.pid "$folder/munged.pid" 2>/dev/null || true
fi

cat >"$folder/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
MailProg=/bin/true
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
CONF
export SLURM_CONF="$folder/slurm.conf"
slurmctld
slurmd
for _ in $(seq 60); do
    [ "$(sinfo -h -o %T 2>/dev/null)" != idle ] || break
    sleep 0.5
done
[ "$(sinfo -h -o %T)" = idle ] || status=70 fail "the node is not idle: $(sinfo -h 2>&1); see $folder/slurmctld.log and slurmd.log"
echo "export SLURM_CONF=$SLURM_CONF"
