#!/bin/bash
# keep-open PID WORD: opens what a user of the host can open of a gateway's settings volume, keeps it open until
# /run/keep-open.WORD is there, and then writes what it can. For test/host/upgrade.test.ts.
volume=/proc/$1/root/home/ibgateway/tws_settings
exec 7>>"$volume/ibq/jts.ini" 8<"$volume/ibq" 9<"$volume"
echo ready
while [ ! -e "/run/keep-open.$2" ]; do sleep 0.1; done
echo "; evil_$2" >&7
for place in 8 9 9/ibq; do echo "evil_$2" >>"/proc/self/fd/$place/evil"; done
echo done
