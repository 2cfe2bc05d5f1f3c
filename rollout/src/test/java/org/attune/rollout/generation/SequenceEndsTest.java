package org.attune.rollout.generation;

import static org.attune.rollout.generation.LoopRequests.CAPACITY;
import static org.attune.rollout.generation.LoopRequests.assertSame;
import static org.attune.rollout.generation.LoopRequests.generated;
import static org.attune.rollout.generation.LoopRequests.plain;
import static org.attune.rollout.generation.LoopRequests.request;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RolloutException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.LoopRequests.Forced;
import org.attune.rollout.generation.LoopRequests.Pausing;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.ByteTokens;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/// How sequences of a [GenerationLoop] stop and end, and what that leaves behind.
final class SequenceEndsTest {
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(RandomDecoder::load);
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static GenerationLoop loop(int slots) {
        return GenerationLoop.open(decoder, Optional.empty(), slots, CAPACITY);
    }

    @Test
    void cancellingFreesThePlace() {
        try (var loop = loop(1)) {
            Ticket running = loop.submit(request(0, plain(1000)), new Pausing(1));
            Ticket waiting = loop.submit(request(1, plain(5)), SequenceListener.NONE);
            Ticket last = loop.submit(request(2, plain(5)), SequenceListener.NONE);
            waiting.cancel();
            running.cancel();
            assertEquals(StopReason.CANCELLED, running.await().reason());
            assertEquals(StopReason.CANCELLED, waiting.await().reason());
            assertEquals(5, last.await().ids().length);
            last.cancel();
        }
    }

    @Test
    void eachSequenceHasItsOwnStopsAndTime() {
        try (var loop = GenerationLoop.open(decoder, Optional.of(new ByteTokens()), 4, CAPACITY)) {
            int[] free = loop.submit(request(0, plain(20)), SequenceListener.NONE).await().ids();
            SamplingConfig stopping =
                    SamplingConfig.of(Distribution.plain(), 20, Set.of(free[6]), 11);
            String text = new ByteTokens().decode(new int[] {free[4], free[5]}, false);
            Ticket all = loop.submit(request(0, plain(20)), SequenceListener.NONE);
            Ticket byId = loop.submit(request(0, stopping), SequenceListener.NONE);
            Ticket byText =
                    loop.submit(
                            request(0, plain(20).withStopStrings(List.of(text))),
                            SequenceListener.NONE);
            Ticket late =
                    loop.submit(
                            request(0, plain(20).withMaxTime(Duration.ofNanos(1))),
                            SequenceListener.NONE);
            assertArrayEquals(free, all.await().ids());
            assertEquals(StopReason.STOP_TOKEN, byId.await().reason());
            assertEquals(StopReason.STOP_STRING, byText.await().reason());
            assertArrayEquals(Arrays.copyOf(free, 6), byText.await().ids());
            assertEquals(StopReason.DEADLINE, late.await().reason());
        }
        try (var loop = loop(1)) {
            var config = plain(2).withStopStrings(List.of("x"));
            assertThrows(
                    RolloutException.class,
                    () -> loop.submit(request(0, config), SequenceListener.NONE));
        }
    }

    /// The stop token of a turn pauses the sequence, as where an agent calls a tool.
    @Test
    void aStopCanPauseInsteadOfEnding() {
        int stop = generated(decoder, plain(20), Adapter.OFF).get(1).ids()[4];
        var config = SamplingConfig.of(Distribution.plain(), 20, Set.of(stop), 11);
        List<StopReason> reasons = new ArrayList<>();
        SequenceListener turns =
                new SequenceListener() {
                    @Override
                    public Next stopped(Ticket ticket, StopReason reason) {
                        reasons.add(reason);
                        return reasons.size() == 1 ? Next.PAUSE : Next.END;
                    }

                    @Override
                    public void paused(Ticket ticket) {
                        ticket.goOn(8, 9);
                    }
                };
        try (var loop = loop(1)) {
            SampledCompletion all = loop.submit(request(1, config), turns).await();
            int[] ids = all.ids();
            int end =
                    IntStream.range(0, ids.length)
                            .filter(t -> ids[t] == stop)
                            .findFirst()
                            .orElseThrow();
            assertArrayEquals(new int[] {8, 9}, Arrays.copyOfRange(ids, end + 1, end + 3));
            assertTrue(all.foreign().get(end + 1) && all.foreign().get(end + 2));
            assertEquals(2, all.foreign().cardinality());
            assertEquals(StopReason.STOP_TOKEN, reasons.getFirst());
        }
    }

    @Test
    void whatFailsInOneSequenceEndsThatOneOnly() {
        SequenceListener bad =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        throw new IllegalStateException("no disk");
                    }
                };
        var nothing = new Forced(2, 1);
        try (var loop = loop(3)) {
            Ticket good = loop.submit(request(0, plain(20)), SequenceListener.NONE);
            Ticket failing = loop.submit(request(1, plain(20)), bad);
            Ticket constrained =
                    loop.submit(
                            request(
                                            1,
                                            SamplingConfig.of(
                                                            Distribution.plain(), 20, Set.of(1), 1)
                                                    .withMinNewTokens(9))
                                    .withConstraint(nothing),
                            SequenceListener.NONE);
            String message = assertThrows(RolloutException.class, failing::await).getMessage();
            assertTrue(message.contains("listener") && message.contains("no disk"), message);
            message = assertThrows(RolloutException.class, constrained::await).getMessage();
            assertTrue(message.contains("allows no token after 2 tokens"), message);
            assertSame(generated(decoder, plain(20), Adapter.OFF).get(0), good.await());
        }
    }

    /// Other work waits for the step that runs and for one that waits already.
    @Tag("thorough")
    @Test
    void otherWorkOfTheEngineGetsItsTurn() {
        var tokens = new AtomicInteger();
        SequenceListener counting =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        tokens.incrementAndGet();
                        return Next.GO_ON;
                    }
                };
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 1, 2000)) {
            Ticket ticket = loop.submit(request(0, plain(1500)), counting);
            var waited = new ArrayList<Integer>();
            while (!ticket.isDone()) {
                int before = tokens.get();
                waited.add(Engine.call(tokens::get) - before);
            }
            assertEquals(1500, ticket.await().ids().length);
            assertTrue(waited.size() > 20, waited.size() + " calls");
            // The middle one: this thread itself may have to wait before it asks.
            int usual = waited.stream().sorted().toList().get(waited.size() / 2);
            assertTrue(usual <= 3, usual + " tokens before other work had its turn");
        }
    }

    @Test
    void closingEndsWhatRunsAndFreesAllMemory() {
        long before = Engine.call(TensorScope::liveBytes);
        GenerationLoop loop = loop(1);
        Ticket running = loop.submit(request(0, plain(1000)), SequenceListener.NONE);
        Ticket waiting = loop.submit(request(1, plain(5)), SequenceListener.NONE);
        loop.close();
        loop.close();
        assertTrue(running.isDone() && waiting.isDone());
        assertThrows(
                IllegalStateException.class,
                () -> loop.submit(request(0, plain(5)), SequenceListener.NONE));
        running.cancel();
        assertEquals(before, Engine.call(TensorScope::liveBytes));
        GenerationLoop other = loop(1);
        SequenceListener closing =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        other.close();
                        return Next.GO_ON;
                    }
                };
        assertEquals(1, other.submit(request(0, plain(9)), closing).await().ids().length);
        other.close();
        assertEquals(before, Engine.call(TensorScope::liveBytes));
    }

    @Test
    void badPromptsAreRefusedAtOnce() {
        try (var loop = loop(1)) {
            for (int[] bad :
                    new int[][] {{}, {-1}, {RandomDecoder.VOCABULARY}, new int[CAPACITY + 1]}) {
                var request = SequenceRequest.of(bad, plain(2));
                assertThrows(
                        RolloutException.class, () -> loop.submit(request, SequenceListener.NONE));
            }
        }
    }

    @Tag("thorough")
    @Test
    void nothingIsLeftBehindByAThousandSequences() {
        try (var loop = loop(2)) {
            List<Long> live = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                SequenceListener listener = i % 7 == 0 ? new Pausing(3) : SequenceListener.NONE;
                Ticket ticket = loop.submit(request(i % 5, plain(1 + i % 9)), listener);
                if (i % 11 == 0) {
                    ticket.cancel();
                }
                if (i % 20 == 19) {
                    ticket.await();
                }
                if (i % 200 == 199) {
                    live.add(Engine.call(TensorScope::liveTensors));
                }
            }
            assertEquals(1, Set.copyOf(live).size(), live.toString());
        }
    }
}
