/** Where the servers of a suite are. */
export interface Places {
  readonly folder: string;
  readonly imaps: number;
  readonly lmtp: number;
  readonly smtps: number;
  /** Whose rights they have. */
  readonly user: string;
  readonly group: string;
  readonly root: boolean;
}

/** Dovecot 2.3: IMAP by TLS alone, LMTP for what comes in, mail in Maildirs. */
export function dovecotConf({ folder, imaps, lmtp, user, group }: Places): string {
  return `
base_dir = ${folder}/base
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
default_login_user = ${user}
default_internal_user = ${user}
default_internal_group = ${group}
mail_location = maildir:~/Maildir
first_valid_uid = 1
auth_username_format = %n
mail_max_userip_connections = 100
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${folder}/passwd
}
userdb {
  driver = static
  args = uid=${user} gid=${group} home=${folder}/mail/%n
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${imaps}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtp}
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
protocol lmtp {
  postmaster_address = postmaster@shop.test
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
  mailbox Done {
    auto = create
  }
}
`;
}

/** Exim 4: SMTP by TLS alone, for who logs in; everything is handed to Dovecot, but for mail to gone@customer.test. */
export function eximConf({ folder, lmtp, smtps, user, group, root }: Places): string {
  return `
${root ? '' : `admin_groups = ${group}`}
exim_user = ${user}
exim_group = ${group}
keep_environment =
primary_hostname = mx.shop.test
spool_directory = ${folder}/exim
log_file_path = ${folder}/exim/%slog
pid_file_path = ${folder}/exim/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${smtps}
tls_on_connect_ports = ${smtps}
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = *
dsn_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
deliver_drop_privilege = true
never_users =
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  deny message = no such mailbox here
       recipients = gone@customer.test
  accept authenticated = *
  deny message = who are you?
begin routers
everything:
  driver = manualroute
  route_list = * 127.0.0.1
  transport = mailboxes
  self = send
begin transports
mailboxes:
  driver = smtp
  protocol = lmtp
  port = ${lmtp}
  hosts_avoid_tls = *
begin retry
* * F,1m,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{support@shop.test}}{eq{$auth3}{the-password-of-support}}}}
  server_set_id = $auth2
`;
}
