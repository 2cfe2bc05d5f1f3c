package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ConfigException;
import org.attune.ranks.RankBackend;
import org.attune.ranks.mpi.RankCarrier.Choice;
import org.attune.ranks.mpi.RankCarrier.Found;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

final class RankCarrierTest {
    private static final List<String> NAMES = List.of("rank 0 on node0", "rank 1 on node1");
    private static final Optional<RankBackend> NOTHING = Optional.empty();
    private static final Optional<RankBackend> NCCL = Optional.of(RankBackend.NCCL);
    private static final Optional<RankBackend> MPI = Optional.of(RankBackend.MPI);
    private static final Found FIRST = new Found("cuda:0", "node0 0000:65:00.0", 22703);

    private static Found second(String device, String place, int nccl) {
        return Found.of(new Found(device, place, nccl).bytes());
    }

    private static Choice choose(Found other, Optional<RankBackend> asked) {
        return RankCarrier.choose(List.of(FIRST, other), NAMES, asked);
    }

    private static void assertRefused(String expected, Found other, Optional<RankBackend> asked) {
        var refused = assertThrows(ConfigException.class, () -> choose(other, asked));
        assertEquals(expected, refused.getMessage());
    }

    @Test
    void ncclCarriesWhereEachRankHasAGpuAndNccl() {
        Found other = second("cuda:0", "node1 0000:65:00.0", 22703);
        String said = "ranks sum by NCCL 22703, untried on GPUs; ddp_backend: mpi is the other way";
        assertEquals(new Choice(NCCL, Optional.of(said)), choose(other, NOTHING));
        assertEquals(NCCL, choose(other, NCCL).backend());
        assertEquals(new Choice(MPI, NOTHING.map(Enum::name)), choose(other, MPI));
    }

    @Test
    void elseTheProcessorsMemoryDoesAndSaysWhy() {
        Found none = second("cuda:0", "node1 0000:65:00.0", 0);
        String way =
                "numbers between GPUs go through the processor's memory, by MPI, which is slow";
        String why = "rank 1 on node1 finds no NCCL (libnccl.so.2) with its libtorch";
        assertEquals(new Choice(MPI, Optional.of(way + ": " + why)), choose(none, NOTHING));
        assertRefused("ddp_backend: nccl can't be used: " + why + ". mpi can", none, NCCL);

        Found same = second("cuda:0", "node0 0000:65:00.0", 22703);
        why = "rank 0 on node0 and rank 1 on node1 share a GPU";
        assertEquals(Optional.of(way + ": " + why), choose(same, NOTHING).said());

        Found older = second("cuda:0", "node1 0000:65:00.0", 22602);
        why = "rank 0 on node0 has NCCL 22703, rank 1 on node1 has 22602";
        assertEquals(Optional.of(way + ": " + why), choose(older, NOTHING).said());
    }

    @Test
    void refusesOtherDevicesOnARank() {
        assertRefused(
                "device: rank 0 on node0 computes on cuda:0, rank 1 on node1 on cpu; all ranks need"
                        + " the same kind of device",
                second("cpu", "node1 cpu", 0),
                NOTHING);
    }

    @Test
    void processorsNeedNothingElse() {
        List<Found> two = List.of(second("cpu", "a", 0), second("cpu", "b", 0));
        var none = new Choice(NOTHING, Optional.empty());
        assertEquals(none, RankCarrier.choose(two, NAMES, NOTHING));
        assertEquals(none, RankCarrier.choose(two, NAMES, MPI));
        var refused =
                assertThrows(ConfigException.class, () -> RankCarrier.choose(two, NAMES, NCCL));
        assertEquals(
                "ddp_backend: nccl carries numbers between GPUs, and the ranks compute on cpu;"
                        + " leave it out, or set mpi",
                refused.getMessage());
    }
}
