package org.attune.ranks.mpi;

import org.attune.error.ConfigException;
import org.attune.ranks.Collective;
import org.attune.ranks.RankBackend;
import org.attune.ranks.RankSum;
import org.attune.tensor.Device;
import org.attune.tensor.GpuRanks;
import org.attune.tensor.RankGpu;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What carries the numbers of a run's ranks: MPI in the processor's memory; NCCL between GPUs if
/// each rank has one and NCCL, else the processor's memory.
///
/// @param ranks by which the run's numbers go
/// @param nccl the same, where it is NCCL
/// @param said what a user should know of the choice
public record RankCarrier(Collective ranks, Optional<NcclCollective> nccl, Optional<String> said) {
    private static final String KEY = "ddp_backend";

    /// What a rank has.
    ///
    /// @param device where it computes, as messages say it
    /// @param place its machine and GPU, by whatever number it knows it
    /// @param nccl version of its NCCL; 0: there is none
    record Found(String device, String place, int nccl) {
        private static final String LINE = "\n";

        byte[] bytes() {
            return String.join(LINE, device, place, "" + nccl).getBytes(StandardCharsets.UTF_8);
        }

        static Found of(byte[] bytes) {
            String[] words = new String(bytes, StandardCharsets.UTF_8).split(LINE, -1);
            return new Found(words[0], words[1], Integer.parseInt(words[2]));
        }

        /// The device without its number.
        String kind() {
            return device.split(":", 2)[0];
        }
    }

    /// How numbers are to go.
    ///
    /// @param backend empty: all are in the processor's memory
    /// @param said what a user should know
    record Choice(Optional<RankBackend> backend, Optional<String> said) {}

    /// Finds out, together with the others, and joins them.
    ///
    /// @param mpi becomes the result's
    /// @param device where this rank computes
    /// @param asked the run's `ddp_backend`
    /// @throws ConfigException if what was asked for can't be had
    public static RankCarrier join(
            MpiCollective mpi, Device device, Optional<RankBackend> asked, RankSum sum) {
        Optional<GpuRanks.Library> library =
                asked.orElse(null) == RankBackend.MPI ? Optional.empty() : RankGpu.nccl(device);
        String place = mpi.machine() + " " + RankGpu.place(device);
        var mine =
                new Found(
                        device.toString(), place, library.map(GpuRanks.Library::version).orElse(0));
        List<Found> all = Stream.of(mpi.allGather(KEY, mine.bytes())).map(Found::of).toList();
        List<String> names = IntStream.range(0, mpi.size()).mapToObj(mpi::where).toList();
        Choice choice = choose(all, names, asked);
        if (choice.backend().isEmpty()) {
            return new RankCarrier(mpi, Optional.empty(), choice.said());
        }
        if (choice.backend().get() == RankBackend.MPI) {
            return new RankCarrier(new StagedCollective(mpi), Optional.empty(), choice.said());
        }
        GpuRanks.Library nccl = library.orElseThrow();
        byte[] id = mpi.allGather(KEY, mpi.rank() == 0 ? nccl.uniqueId() : new byte[0])[0];
        RankGpu gpu = joined(mpi, nccl, id, device);
        var ranks = new NcclCollective(mpi, mpi.place(), gpu, sum);
        return new RankCarrier(ranks, Optional.of(ranks), choice.said());
    }

    private static RankGpu joined(
            MpiCollective mpi, GpuRanks.Library nccl, byte[] id, Device device) {
        mpi.place().begin("NCCL's start");
        try {
            return RankGpu.join(nccl, id, mpi.rank(), mpi.size(), device);
        } finally {
            mpi.place().end();
        }
    }

    /// Chooses one backend for all ranks; each rank comes to the same choice.
    ///
    /// @param all what each rank has
    /// @param names of the ranks
    /// @throws ConfigException if what was asked for can't be had, or devices are of several kinds
    static Choice choose(List<Found> all, List<String> names, Optional<RankBackend> asked) {
        for (int rank = 1; rank < all.size(); rank++) {
            if (!all.get(rank).kind().equals(all.getFirst().kind())) {
                throw ConfigException.about(
                        "device",
                        "%s computes on %s, %s on %s; all ranks need the same kind of device"
                                .formatted(
                                        names.getFirst(),
                                        all.getFirst().device(),
                                        names.get(rank),
                                        all.get(rank).device()));
            }
        }
        boolean nccl = asked.equals(Optional.of(RankBackend.NCCL));
        if (all.getFirst().device().equals(Device.cpu().toString())) {
            if (nccl) {
                throw ConfigException.about(
                        KEY,
                        "nccl carries numbers between GPUs, and the ranks compute on cpu; leave it"
                                + " out, or set mpi");
            }
            return new Choice(Optional.empty(), Optional.empty());
        }
        if (asked.equals(Optional.of(RankBackend.MPI))) {
            return new Choice(asked, Optional.empty());
        }
        Optional<String> why = whyNot(all, names);
        if (nccl && why.isPresent()) {
            throw ConfigException.about(
                    KEY, "nccl can't be used: %s. mpi can".formatted(why.get()));
        }
        return why.isEmpty()
                ? new Choice(
                        Optional.of(RankBackend.NCCL),
                        Optional.of(
                                ("ranks sum by NCCL %d, untried on GPUs; ddp_backend: mpi is"
                                                + " the other way")
                                        .formatted(all.getFirst().nccl())))
                : new Choice(
                        Optional.of(RankBackend.MPI),
                        Optional.of(
                                ("numbers between GPUs go through the processor's memory, by MPI,"
                                                + " which is slow: %s")
                                        .formatted(why.get())));
    }

    /// Why NCCL can't be used, if it can't.
    private static Optional<String> whyNot(List<Found> all, List<String> names) {
        Map<String, String> owners = new HashMap<>();
        for (int rank = 0; rank < all.size(); rank++) {
            Found one = all.get(rank);
            String name = names.get(rank);
            if (one.nccl() == 0) {
                return Optional.of(name + " finds no NCCL (libnccl.so.2) with its libtorch");
            }
            if (one.nccl() != all.getFirst().nccl()) {
                return Optional.of(
                        "%s has NCCL %d, %s has %d"
                                .formatted(
                                        names.getFirst(), all.getFirst().nccl(), name, one.nccl()));
            }
            String owner = owners.putIfAbsent(one.place(), name);
            if (owner != null) {
                return Optional.of("%s and %s share a GPU".formatted(owner, name));
            }
        }
        return Optional.empty();
    }
}
