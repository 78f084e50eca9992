#!/usr/bin/perl
# A message centre by Net::SMPP (Debian: libnet-smpp-perl), which shares no code with ours. It says its port, then a line of JSON for each PDU.
# A text that begins with "throttle" is refused once; what is sent with registered_delivery 1 gets a receipt, and "echo" a message from the customer.
use strict;
use warnings;
use Net::SMPP;
$| = 1;

my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0) or die "listen: $!";
print $listener->sockport, "\n";
my ($throttled, $id) = (0, 41);

while (my $link = $listener->accept) {
  while (my $pdu = $link->read_pdu) {
    my $cmd = $pdu->{cmd};
    if ($cmd == Net::SMPP::CMD_bind_transceiver) {
      my $known = $pdu->{system_id} eq 'shop' && $pdu->{password} eq 'secret';
      $link->bind_transceiver_resp(seq => $pdu->{seq}, system_id => 'perl', status => $known ? 0 : 0x0e);
    } elsif ($cmd == Net::SMPP::CMD_enquire_link) {
      $link->enquire_link_resp(seq => $pdu->{seq});
    } elsif ($cmd == Net::SMPP::CMD_unbind) {
      print "{\"unbind\":1}\n";
      $link->unbind_resp(seq => $pdu->{seq});
      last;
    } elsif ($cmd == Net::SMPP::CMD_submit_sm) {
      my $text = $pdu->{short_message};
      printf "{\"from\":\"%s\",\"to\":\"%s\",\"ton\":%d,\"npi\":%d,\"coding\":%d,\"esm\":%d,\"registered\":%d,\"hex\":\"%s\"}\n",
        $pdu->{source_addr}, $pdu->{destination_addr}, $pdu->{dest_addr_ton}, $pdu->{dest_addr_npi}, $pdu->{data_coding},
        $pdu->{esm_class}, $pdu->{registered_delivery}, unpack('H*', $text);
      if ($text =~ /^throttle/ && !$throttled++) {
        $link->submit_sm_resp(seq => $pdu->{seq}, message_id => '', status => 0x58);
        next;
      }
      $id++;
      $link->submit_sm_resp(seq => $pdu->{seq}, message_id => sprintf('%X', $id));
      my %back = (async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
        destination_addr => $pdu->{source_addr});
      $link->deliver_sm(%back, esm_class => 0x04, short_message =>
        sprintf('id:%010d sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 stat:DELIVRD err:000 text:', $id))
        if $pdu->{registered_delivery} == 1;
      $link->deliver_sm(%back, data_coding => 8, short_message => pack('H*', '4f60597d')) if $text =~ /^echo/;
    }
  }
  $link->close;
}
