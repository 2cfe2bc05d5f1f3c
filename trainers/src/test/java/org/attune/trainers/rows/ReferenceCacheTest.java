package org.attune.trainers.rows;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.files.UserCache;
import org.attune.trainers.testing.SocketRanks;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

class ReferenceCacheTest {
    private static final List<String> COLUMNS = List.of("chosen", "rejected");
    private static final List<List<Integer>> GROUPS =
            List.of(List.of(0, 1), List.of(2), List.of(3, 4, 5), List.of(6));

    @TempDir private Path folder;

    private final List<Integer> computed = new ArrayList<>();

    private List<double[]> score(List<Integer> group) {
        computed.addAll(group);
        return group.stream().map(row -> new double[] {row / 3.0, -row / 7.0}).toList();
    }

    private List<double[]> get(int stopAfter) {
        computed.clear();
        return StopRequest.watching(
                () -> computed.size() >= stopAfter,
                () -> new ReferenceCache(folder, "base").get("rows", COLUMNS, GROUPS, this::score));
    }

    private void assertComplete(List<double[]> columns) {
        for (int row = 0; row < 7; row++) {
            assertEquals(row / 3.0, columns.get(0)[row]);
            assertEquals(-row / 7.0, columns.get(1)[row]);
        }
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void stoppedAtAnyGroupItGoesOnWithTheNext() throws IOException {
        for (int stopAfter = 1; stopAfter < 7; stopAfter++) {
            int after = stopAfter;
            assertThrows(StoppedException.class, () -> get(after));
            int done = computed.getLast() + 1;
            assertComplete(get(Integer.MAX_VALUE));
            assertEquals(done, computed.getFirst(), "stopped after " + stopAfter);
            assertEquals(1, files().size(), "the part goes when the whole is there");
            get(Integer.MAX_VALUE);
            assertEquals(List.of(), computed);
            Files.delete(files().getFirst());
        }
    }

    @Test
    void severalProcessesShareTheWorkAndTheFile() throws Exception {
        assertThrows(StoppedException.class, () -> get(2)); // one group is known
        int kept = computed.size();
        List<Integer> each = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        List<List<double[]>> results = Collections.synchronizedList(new ArrayList<>());
        for (int rank = 0; rank < 2; rank++) {
            int own = rank;
            threads.add(Thread.ofPlatform().start(() -> results.add(shared(own, each))));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(2, results.size());
        results.forEach(this::assertComplete);
        assertEquals(7 - kept, each.size(), "each group is computed once: " + each);
        assertEquals(2, files().size(), "the file, and where they met");
    }

    /// As one of two processes, of which the second one has no files.
    private List<double[]> shared(int rank, List<Integer> each) {
        Path files = rank == 0 ? folder : folder.resolve("elsewhere");
        try (var ranks = new SocketRanks(rank, 2, folder.resolve("meeting"))) {
            return new ReferenceCache(files, "base", ranks, () -> {})
                    .get(
                            "rows",
                            COLUMNS,
                            GROUPS,
                            group -> {
                                each.addAll(group);
                                return group.stream()
                                        .map(row -> new double[] {row / 3.0, -row / 7.0})
                                        .toList();
                            });
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void itsPlaceIsInTheUsersCache() {
        Path home = Path.of("home");
        assertEquals(
                Path.of("home/.cache/attune/reference"),
                UserCache.folder("reference", Map.of(), home));
        assertEquals(
                Path.of("caches/attune/reference"),
                UserCache.folder("reference", Map.of("XDG_CACHE_HOME", "caches"), home));
    }

    @Test
    void fileThatIsNotAsItWasWrittenIsComputedAnew() throws IOException {
        List<double[]> whole = get(Integer.MAX_VALUE);
        Path file = files().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at += 5) {
            byte[] flipped = bytes.clone();
            flipped[at] ^= 16;
            Files.write(file, flipped);
            List<double[]> again = get(Integer.MAX_VALUE);
            assertArrayEquals(whole.get(0), again.get(0), 0, "byte " + at);
            assertArrayEquals(whole.get(1), again.get(1), 0, "byte " + at);
        }
    }
}
