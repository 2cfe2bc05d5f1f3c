package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyDouble;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.attune.tensor.MemoryFile;
import org.attune.tensor.Pages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

@EnabledOnOs(OS.LINUX)
class SharedPagesTest {
    private static final int RANKS = 3;
    private static final long PAGE = Pages.bytes();
    private static final String FILE = "attune-frozen";

    private final CyclicBarrier together = new CyclicBarrier(RANKS);
    private final byte[][] said = new byte[RANKS][];

    /// A rank that is a thread.
    private Collective rank(int number) {
        Collective rank = mock(Collective.class);
        when(rank.rank()).thenReturn(number);
        when(rank.size()).thenReturn(RANKS);
        when(rank.where(anyInt())).thenReturn("a rank");
        when(rank.allGather(anyString(), any(byte[].class)))
                .thenAnswer(call -> gather(number, call.getArgument(1)));
        when(rank.allGather(anyString(), anyDouble()))
                .thenAnswer(call -> gather(number, (double) call.getArgument(1)));
        return rank;
    }

    private double[][] gather(int number, double mine) throws Exception {
        byte[][] all = gather(number, Double.toString(mine).getBytes(StandardCharsets.UTF_8));
        return Stream.of(all)
                .map(
                        one ->
                                new double[] {
                                    Double.parseDouble(new String(one, StandardCharsets.UTF_8))
                                })
                .toArray(double[][]::new);
    }

    private byte[][] gather(int number, byte[] mine) throws Exception {
        said[number] = mine;
        together.await();
        byte[][] all = said.clone();
        together.await();
        return all;
    }

    /// Memory as a rank has it, whose pieces begin at odd places within pages.
    private static MemorySegment memory(Arena arena, int seed) {
        MemorySegment memory = arena.allocate(12 * PAGE, PAGE);
        for (long i = 0; i < memory.byteSize(); i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) (seed + i * 7 + i / PAGE));
        }
        return memory;
    }

    private static List<MemorySegment> pieces(MemorySegment memory) {
        return List.of(
                memory.asSlice(64, 4 * PAGE), // three whole pages
                memory.asSlice(5 * PAGE, PAGE / 2), // none
                memory.asSlice(6 * PAGE, 2 * PAGE),
                memory.asSlice(9 * PAGE + 16, 10));
    }

    private List<SharedPages.Outcome> share(List<List<MemorySegment>> pieces) throws Exception {
        try (var threads = Executors.newFixedThreadPool(RANKS)) {
            List<Callable<SharedPages.Outcome>> works = new ArrayList<>();
            for (int i = 0; i < RANKS; i++) {
                Collective rank = rank(i);
                List<MemorySegment> own = pieces.get(i);
                works.add(() -> SharedPages.share(rank, own));
            }
            List<SharedPages.Outcome> outcomes = new ArrayList<>();
            for (var future : threads.invokeAll(works)) {
                outcomes.add(future.get());
            }
            return outcomes;
        }
    }

    private static boolean isOfTheFile(MemorySegment place) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(FILE))
                    .map(line -> line.split("[- ]"))
                    .anyMatch(
                            range ->
                                    Long.parseUnsignedLong(range[0], 16) <= place.address()
                                            && place.address() + place.byteSize()
                                                    <= Long.parseUnsignedLong(range[1], 16));
        }
    }

    @Test
    void equalPagesAreInMemoryOnceAndOthersStay() throws Exception {
        try (var arena = Arena.ofShared()) {
            List<MemorySegment> memories =
                    IntStream.range(0, RANKS).mapToObj(_ -> memory(arena, 1)).toList();
            memories.get(2).set(ValueLayout.JAVA_BYTE, 7 * PAGE, (byte) 99); // another number
            byte[][] before =
                    memories.stream()
                            .map(m -> m.toArray(ValueLayout.JAVA_BYTE))
                            .toArray(byte[][]::new);
            List<SharedPages.Outcome> outcomes =
                    share(memories.stream().map(SharedPagesTest::pieces).toList());
            var least = new SharedPages.Outcome(RANKS, 3 * PAGE, "");
            assertEquals(List.of(least, least, least), outcomes);
            for (int i = 0; i < RANKS; i++) {
                MemorySegment memory = memories.get(i);
                assertArrayEquals(before[i], memory.toArray(ValueLayout.JAVA_BYTE));
                assertTrue(isOfTheFile(memory.asSlice(PAGE, 3 * PAGE)));
                assertTrue(i == 2 || isOfTheFile(memory.asSlice(6 * PAGE, 2 * PAGE)));
            }
            memories.get(0).asSlice(2 * PAGE, 1).fill((byte) 5);
            assertArrayEquals(before[1], memories.get(1).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Test
    void pieceThatLiesOtherwiseWithinItsPageStays() throws Exception {
        try (var arena = Arena.ofShared()) {
            List<List<MemorySegment>> pieces = new ArrayList<>();
            for (int i = 0; i < RANKS; i++) {
                MemorySegment memory = arena.allocate(8 * PAGE, PAGE);
                long odd = i == 1 ? 64 : 0;
                pieces.add(
                        List.of(
                                memory.asSlice(odd, 3 * PAGE).fill((byte) 3),
                                memory.asSlice(4 * PAGE, 2 * PAGE).fill((byte) 4)));
            }
            List<Long> bytes = share(pieces).stream().map(SharedPages.Outcome::bytes).toList();
            assertEquals(List.of(2 * PAGE, 2 * PAGE, 2 * PAGE), bytes);
        }
    }

    @Test
    void ranksMayHaveLessThanOthers() throws Exception {
        try (var arena = Arena.ofShared()) {
            List<MemorySegment> memories =
                    IntStream.range(0, RANKS).mapToObj(_ -> memory(arena, 1)).toList();
            MemorySegment second = memories.get(1);
            MemorySegment third = memories.get(2);
            List<SharedPages.Outcome> outcomes =
                    share(
                            List.of(
                                    pieces(memories.get(0)),
                                    pieces(second).subList(0, 1),
                                    List.of(third.asSlice(64, 4 * PAGE), third.asSlice(9 * PAGE))));
            List<Long> bytes = outcomes.stream().map(SharedPages.Outcome::bytes).toList();
            assertEquals(List.of(3 * PAGE, 3 * PAGE, 3 * PAGE), bytes);
        }
    }

    @Test
    void onlyOwnFilesAreOpened() throws IOException {
        try (MemoryFile file = MemoryFile.create(PAGE)) {
            long own = ProcessHandle.current().pid();
            MemoryFile.of(own, file.descriptor(), PAGE).close();
            for (long bytes : new long[] {0, 2 * PAGE}) {
                assertTrue(fails(own, file.descriptor(), bytes));
            }
            assertTrue(fails(own, 0, PAGE));
            assertTrue(fails(own, 1 << 20, PAGE));
        }
    }

    private static boolean fails(long process, int descriptor, long bytes) {
        try {
            MemoryFile.of(process, descriptor, bytes).close();
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}
