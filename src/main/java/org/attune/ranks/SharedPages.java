package org.attune.ranks;

import org.attune.json.Json;
import org.attune.tensor.MemoryFile;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Numbers that stay as they are, in memory once for all ranks of a machine instead of once for
/// each. Every rank has made them by itself, where it needs them. The first rank of a machine puts
/// them into a [file in memory][MemoryFile], whose pages it takes in place of what it had; others
/// compare and do the same. So addresses and bits are what they were, and a rank that has other
/// bytes keeps what it has. What a rank writes there all the same is its own.
public final class SharedPages {
    private final Collective ranks;
    private final FrozenPages pages;

    private SharedPages(Collective ranks, FrozenPages pages) {
        this.ranks = ranks;
        this.pages = pages;
    }

    /// How much is shared on this rank's machine.
    ///
    /// @param sharers ranks there, this one included
    /// @param bytes that each of them has in common with the first, at least
    /// @param why this rank has none, though there are several; else empty
    public record Outcome(int sharers, long bytes, String why) {}

    /// Shares memory. All ranks make this call, on any machine.
    ///
    /// @param frozen memory with the same numbers on all ranks, in the same order, which nobody
    ///     writes to while this goes on; what is smaller than a page is left alone. A rank may have
    ///     less of it than others, at the end
    public static Outcome share(Collective ranks, List<MemorySegment> frozen) {
        if (ranks.size() == 1) {
            return new Outcome(1, 0, "");
        }
        return new SharedPages(ranks, new FrozenPages(frozen)).share();
    }

    private Outcome share() {
        List<Object> machines = gathered("machines", machine(ranks.rank()));
        Object here = machines.get(ranks.rank());
        int[] neighbours =
                IntStream.range(0, machines.size())
                        .filter(rank -> machines.get(rank).equals(here))
                        .toArray();
        if (neighbours.length == 1) {
            gathered("frozen weights", Map.of());
            return outcome(neighbours, 0, "");
        }
        return ranks.rank() == neighbours[0] ? give(neighbours) : take(neighbours);
    }

    /// Tells what others have done; until then the first one keeps the file open.
    private Outcome outcome(int[] neighbours, long bytes, String why) {
        double[][] shared = ranks.allGather("shared weights", bytes);
        double least =
                IntStream.of(neighbours).mapToDouble(rank -> shared[rank][0]).min().orElse(0);
        return new Outcome(neighbours.length, (long) least, why);
    }

    private Outcome give(int[] neighbours) {
        try (MemoryFile file = MemoryFile.create(pages.fileBytes())) {
            long given = pages.moveTo(file);
            Map<String, Object> offer =
                    Map.of(
                            "process", ProcessHandle.current().pid(),
                            "descriptor", file.descriptor(),
                            "bytes", pages.fileBytes(),
                            "sizes", pages.sizes(),
                            "places", pages.places());
            gathered("frozen weights", offer);
            return outcome(neighbours, given, "");
        } catch (IOException e) {
            gathered("frozen weights", Map.of());
            return outcome(neighbours, 0, e.getMessage());
        }
    }

    private Outcome take(int[] neighbours) {
        int first = neighbours[0];
        Map<?, ?> offer = (Map<?, ?>) gathered("frozen weights", Map.of()).get(first);
        if (offer.isEmpty()) {
            return outcome(neighbours, 0, ranks.where(first) + " offers none");
        }
        long process = number(offer.get("process"));
        int descriptor = Math.toIntExact(number(offer.get("descriptor")));
        try (MemoryFile file = MemoryFile.of(process, descriptor, number(offer.get("bytes")))) {
            List<Long> sizes = numbers(offer.get("sizes"));
            List<Long> places = numbers(offer.get("places"));
            return outcome(neighbours, pages.takeFrom(file, sizes, places), "");
        } catch (IOException e) {
            return outcome(neighbours, 0, e.getMessage());
        }
    }

    private static List<Long> numbers(Object values) {
        return ((List<?>) values).stream().map(SharedPages::number).toList();
    }

    private static long number(Object value) {
        return ((Number) value).longValue();
    }

    private List<Object> gathered(String what, Object mine) {
        byte[] sent = Json.write(mine).getBytes(StandardCharsets.UTF_8);
        return Stream.of(ranks.allGather(what, sent))
                .map(theirs -> Json.parse(new String(theirs, StandardCharsets.UTF_8)))
                .toList();
    }

    /// Tells machines apart, and containers whose processes don't see each other.
    private static String machine(int rank) {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip()
                    + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
        } catch (IOException e) {
            return "rank " + rank; // not Linux: on its own
        }
    }
}
