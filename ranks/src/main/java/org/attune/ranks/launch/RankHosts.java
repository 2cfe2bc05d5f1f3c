package org.attune.ranks.launch;

import org.attune.error.ConfigException;

import java.util.ArrayList;
import java.util.List;

/// Machines that the ranks of a job run on: `node0:8,node1:8`.
///
/// @param hosts in order; empty: this machine alone
record RankHosts(List<Host> hosts) {
    /// A machine and how many ranks it takes.
    public record Host(String name, int ranks) {}

    public RankHosts {
        hosts = List.copyOf(hosts);
    }

    /// @param text as of the option; empty: this machine
    /// @param ranks of the job, which machines without a number share
    /// @throws ConfigException if it names no machines, or they take fewer ranks
    public static RankHosts parse(String text, int ranks) {
        if (text.isBlank()) {
            return new RankHosts(List.of());
        }
        String[] words = text.strip().split("\\s*,\\s*");
        int share = (ranks + words.length - 1) / words.length;
        List<Host> hosts = new ArrayList<>();
        for (String word : words) {
            if (!word.matches("[\\w.-]+(:[1-9]\\d{0,4})?")) {
                throw new ConfigException(
                        "--hosts: '%s' is no machine; expected NAME or NAME:RANKS, as node0:8,node1:8"
                                .formatted(word));
            }
            String[] parts = word.split(":");
            hosts.add(new Host(parts[0], parts.length > 1 ? Integer.parseInt(parts[1]) : share));
        }
        int places = hosts.stream().mapToInt(Host::ranks).sum();
        if (places < ranks) {
            throw new ConfigException(
                    "--hosts: %s take %d ranks, --ranks asks for %d"
                            .formatted(text, places, ranks));
        }
        return new RankHosts(hosts);
    }

    /// Whether other machines may take part.
    boolean isRemote() {
        return !hosts.isEmpty();
    }

    /// The most ranks of one machine.
    int most(int ranks) {
        return hosts.stream().mapToInt(Host::ranks).max().orElse(ranks);
    }

    /// The hosts as launchers want them.
    String text() {
        return String.join(",", hosts.stream().map(h -> h.name() + ":" + h.ranks()).toList());
    }
}
