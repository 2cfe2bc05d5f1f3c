package org.attune.ranks.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

final class JobMessagesTest {
    private static String reason(String... lines) {
        var messages = new JobMessages();
        for (String line : lines) {
            messages.read(line);
        }
        return messages.text();
    }

    @Test
    void readsWhatLaunchersSayOfDeadRanks() {
        assertEquals(
                "rank 2 on node1 was ended by signal 9 (Killed)",
                reason(
                        "Primary job  terminated normally, but 1 process returned",
                        "mpirun noticed that process rank 2 with PID 0 on node node1 exited on"
                                + " signal 9 (Killed)."));
        assertEquals(
                "rank 1 on vm was ended by signal 9 (Killed)",
                reason(
                        "prterun noticed that process rank 1 with PID 4242 on node vm exited on",
                        "prterun noticed that process rank 1 with PID 4242 on node vm exited on"
                                + " signal 9 (Killed)."));
        assertEquals(
                "rank 0 ended with code 75",
                reason("  Process name: [[31836,1],0]", "  Exit code:    75"));
        assertEquals(
                "rank 3 ended with code 1",
                reason("   Process name: [prterun-vm-31836@1,3]", "   Exit code:    1"));
        assertEquals(
                "rank 2 failed",
                reason(
                        "MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD",
                        "Process name: [[1,1],0]",
                        "Exit code:    1"));
        assertEquals(
                "process 1899 on vm was ended by signal 9 (Killed)",
                reason("=   PID 1899 RUNNING AT vm", "=   EXIT CODE: 9"));
        assertEquals(
                "rank 0 on node0 gave up waiting",
                reason(
                        "attune: rank 0 on node0 waited 12 s (ddp_timeout is 10) in step 5,"
                                + " gradients. rank 1 on node1 hasn't come. The job ends",
                        "  Process name: [[31836,1],0]",
                        "  Exit code:    75"));
        assertEquals("", reason("step 4: loss 3.2"));
    }
}
