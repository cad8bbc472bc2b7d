# Makes of nexus-worker.service the unit nexus-worker@.service: an instance for each queue, with
# settings and a directory of its own.
s,/etc/nexus-worker/nexus-worker\.conf,/etc/nexus-worker/%i.conf,
s,journalctl -u nexus-worker,&@%i,
s,^Description=.*,& for %i,
s,^ExecStart=.*,& --config /etc/nexus-worker/%i.conf,
s,^RuntimeDirectory=.*,&-%i,
s,^StateDirectory=.*,&-%i,
s,# /var/lib/nexus-worker,&-%i,
