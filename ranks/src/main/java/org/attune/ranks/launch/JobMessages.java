package org.attune.ranks.launch;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds out from a launcher's messages which rank was the first to end before its time.
final class JobMessages {
    /// `mpirun noticed that process rank 2 with PID 0 on node node1 exited on signal 9 (Killed).`
    private static final Pattern SIGNAL =
            Pattern.compile(
                    "process rank (\\d+) with PID \\d+ on node (\\S+) exited on signal (\\d+)"
                            + "(?: \\(([^)]*)\\))?");

    /// Open MPI 4: `Process name: [[31836,1],2]`; 5: `Process name: [prterun-vm-31836@1,2]`
    private static final Pattern PROCESS =
            Pattern.compile("Process name: \\[(?:\\[\\d+,\\d+\\]|[^,\\]]+),(\\d+)\\]");

    private static final Pattern CODE = Pattern.compile("Exit code:\\s+(\\d+)");

    /// Hydra's, which knows no ranks.
    private static final Pattern MACHINE = Pattern.compile("PID (\\d+) RUNNING AT (\\S+)");

    private static final Pattern HYDRA_CODE = Pattern.compile("EXIT CODE: (\\d+)");

    /// The line of `MPI_Abort`: `MPI_ABORT was invoked on rank 2 in communicator …`
    private static final Pattern ABORT = Pattern.compile("MPI_ABORT was invoked on rank (\\d+)");

    /// The line of a rank that waited too long:
    /// `attune: rank 0 on node0 waited 12 s (ddp_timeout is …`
    private static final Pattern GAVE_UP =
            Pattern.compile("attune: (rank \\d+ on \\S+) waited \\d+ s \\(ddp_timeout");

    private String who = "";
    private String how = "";
    private boolean gaveUp;

    /// Takes a line of what the launcher and the ranks said.
    synchronized void read(String line) {
        Matcher found = SIGNAL.matcher(line);
        if (found.find() && !gaveUp) {
            who = "rank %s on %s".formatted(found.group(1), found.group(2));
            String name = found.group(4) == null ? "" : " (" + found.group(4) + ")";
            how = "was ended by signal " + found.group(3) + name;
            return;
        }
        found = GAVE_UP.matcher(line);
        if (found.find() && !gaveUp) {
            gaveUp = true;
            who = found.group(1);
            how = "gave up waiting";
            return;
        }
        readRest(line);
    }

    private void readRest(String line) {
        Matcher found = ABORT.matcher(line);
        if (found.find() && who.isEmpty()) {
            who = "rank " + found.group(1);
            how = "failed";
        }
        found = PROCESS.matcher(line);
        if (found.find() && who.isEmpty()) {
            who = "rank " + found.group(1);
        }
        found = MACHINE.matcher(line);
        if (found.find() && who.isEmpty()) {
            who = "process %s on %s".formatted(found.group(1), found.group(2));
        }
        found = CODE.matcher(line);
        boolean open = !who.isEmpty() && how.isEmpty();
        if (found.find() && open) {
            how = "ended with code " + found.group(1);
        }
        found = HYDRA_CODE.matcher(line);
        if (found.find() && open) {
            int code = Integer.parseInt(found.group(1));
            how = code == 9 ? "was ended by signal 9 (Killed)" : "ended with code " + code;
        }
    }

    /// Whether a rank waited for others until it gave up.
    synchronized boolean gaveUp() {
        return gaveUp;
    }

    /// Who ended and how, `rank 2 on node1 was ended by signal 9 (Killed)`; empty if no rank is
    /// known to have.
    public synchronized String text() {
        return how.isEmpty() ? "" : who + " " + how;
    }
}
