package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.Optional;

class RankWatchTest {
    /// A rank that was stopped while it waited in an earlier call has left its mark.
    @Test
    void onlyWhoWaitsInTheSameCallWaitsToo() {
        String here = "step 5, gradients";
        assertEquals(
                " rank 1 on node1 hasn't come.",
                RankWatch.other("rank 1 on node1", Optional.empty(), here));
        assertEquals(
                " rank 1 on node1 waits too, in step 5, gradients.",
                RankWatch.other("rank 1 on node1", Optional.of(here), here));
        assertEquals(
                " rank 1 on node1 hasn't come; it was last seen waiting in step 4, checkpoint.",
                RankWatch.other("rank 1 on node1", Optional.of("step 4, checkpoint"), here));
    }
}
