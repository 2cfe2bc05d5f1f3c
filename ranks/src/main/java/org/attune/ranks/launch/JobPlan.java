package org.attune.ranks.launch;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// How a job is started.
///
/// @param ranks number of processes, ≥ 1
/// @param hosts where they run
/// @param cores of this machine; the others are taken to have as many
/// @param root whether this user is root, to whom Open MPI says no unless told
record JobPlan(int ranks, RankHosts hosts, int cores, boolean root) {
    /// Variables of this process that those on other machines need.
    private static final Pattern PASSED =
            Pattern.compile(
                    "(ATTUNE|MALLOC|OMP|GOMP|UCX|NCCL|HF|ONEDNN|DNNL)_\\w+|GLIBC_TUNABLES"
                            + "|JAVA_HOME|JAVA25_HOME|XDG_CACHE_HOME");

    /// How soon Open MPI finds out that a machine is out of reach: 20 s of silence, then three
    /// questions, 5 s apart.
    private static final Map<String, String> KEEPALIVE =
            Map.of(
                    "oob_tcp_keepalive_time", "20",
                    "oob_tcp_keepalive_intvl", "5",
                    "oob_tcp_keepalive_probes", "3");

    /// Cores that each rank computes with.
    public int threads() {
        return Math.max(1, cores / hosts.most(ranks));
    }

    /// Whether ranks share cores.
    public boolean isCrowded() {
        return hosts.most(ranks) > cores;
    }

    /// The command with which the launcher starts a program.
    ///
    /// @param environment of this process
    /// @param more options of the user's own
    List<String> command(
            MpiLauncher launcher,
            Map<String, String> environment,
            List<String> more,
            List<String> program) {
        List<String> command = new ArrayList<>();
        command.add(launcher.file().toString());
        switch (launcher.kind()) {
            case OPEN_MPI_4 -> {
                addOpenMpi(command, environment);
                if (isCrowded()) {
                    command.add("--oversubscribe");
                }
                addKeepalive(command, "--mca");
            }
            case OPEN_MPI_5 -> {
                addOpenMpi(command, environment);
                if (isCrowded()) {
                    command.addAll(List.of("--map-by", ":OVERSUBSCRIBE"));
                }
                addKeepalive(command, "--prtemca");
            }
            case HYDRA -> {
                if (hosts.isRemote()) {
                    command.addAll(List.of("-hosts", hosts.text()));
                }
            }
        }
        command.addAll(more);
        command.addAll(List.of("-n", Integer.toString(ranks)));
        command.addAll(program);
        return command;
    }

    private void addOpenMpi(List<String> command, Map<String, String> environment) {
        if (root) {
            command.add("--allow-run-as-root");
        }
        command.addAll(List.of("--bind-to", "none")); // it would bind a rank to one core
        // Ranks that wait leave their core to others: the JVM has further threads.
        command.addAll(List.of("--mca", "mpi_yield_when_idle", "1"));
        if (hosts.isRemote()) {
            command.addAll(List.of("--host", hosts.text()));
            environment.keySet().stream()
                    .filter(name -> PASSED.matcher(name).matches())
                    .sorted()
                    .forEach(name -> command.addAll(List.of("-x", name)));
        }
    }

    private static void addKeepalive(List<String> command, String option) {
        KEEPALIVE.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(e -> command.addAll(List.of(option, e.getKey(), e.getValue())));
    }
}
