package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.reward.RewardFailure.Kind;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

@Timeout(300)
class RewardScorerTest {
    private static final double NONE = Double.NaN;

    private static RewardBatch batch(String... texts) {
        var prompts = new ArrayList<Prompt>();
        var completions = new ArrayList<Completion>();
        var answers = new ArrayList<Object>();
        for (String text : texts) {
            prompts.add(new Prompt("p", List.of()));
            completions.add(new Completion(text, new int[0], List.of()));
            answers.add("answer " + text);
        }
        return new RewardBatch(prompts, completions, Map.of("answer", answers));
    }

    private static WeightedReward each(String name, ToDoubleFunction<String> reward) {
        RewardFunction function =
                batch ->
                        batch.completions().stream()
                                .map(c -> OptionalDouble.of(reward.applyAsDouble(c.text())))
                                .toList();
        return WeightedReward.of(function.named(name));
    }

    private static WeightedReward length() {
        return each("length", String::length);
    }

    private static RewardLimits quick() {
        return RewardLimits.defaults().withTimeout(Duration.ofSeconds(4));
    }

    private static double[][] values(RewardTable table) {
        return table.values();
    }

    @Test
    void tableHasOneRowPerCompletionAndOneColumnPerFunction() {
        var half = new WeightedReward(each("half", text -> text.length() / 2.0).function(), 0.5);
        try (var scorer = new RewardScorer(List.of(length(), half), RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("a", "bb", "cccc"));
            assertEquals(List.of("length", "half"), table.names());
            assertArrayEquals(new double[] {1, 0.5}, table.weights());
            assertArrayEquals(new double[][] {{1, 0.5}, {2, 1}, {4, 2}}, values(table));
            assertEquals(List.of(), table.failures());
            assertEquals(1 + 0.25, table.total(0));
        }
    }

    @Test
    void oneBadCompletionCostsOnlyItsOwnReward() {
        var parse = each("parse", Double::parseDouble);
        try (var scorer = new RewardScorer(List.of(parse, length()), RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("1", "x", "3", ""));
            assertArrayEquals(new double[][] {{1, 1}, {NONE, 1}, {3, 1}, {NONE, 0}}, values(table));
            RewardFailure failure = table.failures().getFirst();
            assertEquals(Kind.THREW, failure.kind());
            assertEquals("parse", failure.function());
            assertEquals(2, failure.count());
            assertEquals(1, failure.firstCompletion());
            assertTrue(failure.example().contains("\"x\""), failure.example());
        }
    }

    @Test
    void errorsAndCheckedExceptionsAreCaughtToo() {
        var overflow =
                each(
                        "overflow",
                        _ -> {
                            throw new StackOverflowError();
                        });
        var sneaky =
                each(
                        "sneaky",
                        _ -> {
                            throw RewardScorerTest.<RuntimeException>sneak(new Exception("hidden"));
                        });
        try (var scorer = new RewardScorer(List.of(overflow, sneaky), RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("a", "b"));
            assertArrayEquals(new double[][] {{NONE, NONE}, {NONE, NONE}}, values(table));
            assertEquals(
                    List.of("StackOverflowError", "Exception: hidden"),
                    table.failures().stream().map(RewardFailure::example).toList());
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> T sneak(Throwable t) throws T {
        throw (T) t;
    }

    @Test
    void unusableAnswersAreCountedByKind() {
        RewardFunction nothing = _ -> null;
        RewardFunction nullEntry =
                batch -> new ArrayList<>(Collections.nCopies(batch.size(), (OptionalDouble) null));
        var nan = each("nan", text -> text.equals("a") ? Double.NaN : 1);
        var infinite = each("infinite", text -> text.equals("b") ? -1 / 0.0 : 1);
        var functions =
                List.of(
                        WeightedReward.of(nothing.named("nothing")),
                        WeightedReward.of(nullEntry.named("nullEntry")),
                        nan,
                        infinite);
        try (var scorer = new RewardScorer(functions, RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("a", "b"));
            assertArrayEquals(
                    new double[][] {
                        {NONE, NONE, NONE, 1},
                        {NONE, NONE, 1, NONE}
                    },
                    values(table));
            assertEquals(
                    Map.of(
                            "nothing", Map.of(Kind.RETURNED_NULL, 2),
                            "nullEntry", Map.of(Kind.RETURNED_NULL, 2),
                            "nan", Map.of(Kind.NOT_FINITE, 1),
                            "infinite", Map.of(Kind.NOT_FINITE, 1)),
                    scorer.failureTotals());
        }
    }

    @Test
    void emptyMeansNoRewardAndIsNoFailure() {
        RewardFunction never = batch -> Collections.nCopies(batch.size(), OptionalDouble.empty());
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(never.named("never"))),
                        RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("a"));
            assertArrayEquals(new double[][] {{NONE}}, values(table));
            assertEquals(NONE, table.total(0));
            assertEquals(List.of(), table.failures());
        }
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void sleepingFunctionIsGivenUpAndOthersGoOn() {
        var sleeps =
                each(
                        "sleeps",
                        text -> {
                            if (text.equals("slow")) {
                                sleep(60_000);
                            }
                            return 1;
                        });
        var limits = quick().withCallSize(1);
        try (var scorer = new RewardScorer(List.of(sleeps, length()), limits)) {
            RewardTable table = scorer.score(batch("a", "slow", "c"));
            assertArrayEquals(new double[][] {{1, 1}, {NONE, 4}, {1, 1}}, values(table));
            assertEquals(Kind.TIMED_OUT, table.failures().getFirst().kind());
            assertEquals(1, table.failures().getFirst().firstCompletion());
        }
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void spinningFunctionIsSwitchedOffAfterItsStrikes() {
        var calls = new AtomicInteger();
        var stop = new AtomicInteger();
        var spins =
                each(
                        "spins",
                        _ -> {
                            calls.incrementAndGet();
                            while (stop.get() == 0) {
                                Thread.onSpinWait();
                            }
                            return 1;
                        });
        var limits = quick().withCallSize(1).withParallelism(1).withStrikes(2);
        try (var scorer = new RewardScorer(List.of(spins, length()), limits)) {
            RewardTable table = scorer.score(batch("a", "bb", "ccc", "dddd"));
            assertArrayEquals(
                    new double[][] {{NONE, 1}, {NONE, 2}, {NONE, 3}, {NONE, 4}}, values(table));
            assertEquals(2, calls.get());
            assertEquals(
                    Map.of(Kind.TIMED_OUT, 2, Kind.SWITCHED_OFF, 2),
                    scorer.failureTotals().get("spins"));
            scorer.score(batch("e"));
            assertEquals(2, calls.get());
            assertEquals(3, scorer.failureTotals().get("spins").get(Kind.SWITCHED_OFF));
        } finally {
            stop.set(1);
        }
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void lateAnswerOfAGivenUpCallIsIgnored() throws InterruptedException {
        var release = new CountDownLatch(1);
        var returned = new CountDownLatch(1);
        RewardFunction late =
                batch -> {
                    awaitUninterruptibly(release);
                    batch.logMetric("late", 1);
                    returned.countDown();
                    return List.of(OptionalDouble.of(7));
                };
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(late.named("late"))), quick())) {
            RewardTable table = scorer.score(batch("a"));
            release.countDown();
            assertTrue(returned.await(2, TimeUnit.MINUTES));
            Thread.sleep(50);
            assertArrayEquals(new double[][] {{NONE}}, values(table));
            assertEquals(Map.of("rewards/late/failed", 1.0), table.metrics());
        }
    }

    @Test
    void closeDoesNotWaitForAHangingThread() {
        var started = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        var hangs =
                each(
                        "hangs",
                        _ -> {
                            started.countDown();
                            awaitUninterruptibly(end);
                            return 1;
                        });
        var scorer = new RewardScorer(List.of(hangs), RewardLimits.defaults());
        RewardScorer.Round round = scorer.begin(1);
        round.submit(0, new Prompt("p", List.of()), completion("c"), Map.of());
        awaitUninterruptibly(started);
        long start = System.nanoTime();
        scorer.close();
        assertTrue(System.nanoTime() - start < 120_000_000_000L);
        assertThrows(CancellationException.class, round::finish);
        end.countDown();
    }

    /// Ctrl-C reaches programs of rewards too, which then fail.
    @Test
    void whatFailsWhileTheRunIsStoppedIsNoFailure() {
        var asked = new AtomicBoolean();
        var calls = new AtomicInteger();
        var dies =
                each(
                        "dies",
                        _ -> {
                            calls.incrementAndGet();
                            asked.set(true);
                            throw new RewardUnavailableException("[program] ended");
                        });
        var limits = RewardLimits.defaults().withParallelism(1).withCallSize(1);
        try (var scorer = new RewardScorer(List.of(dies), limits)) {
            assertThrows(
                    StoppedException.class,
                    () ->
                            StopRequest.watching(
                                    asked::get,
                                    () -> scorer.score(batch("a", "b", "c", "d", "e"))));
            assertEquals(Map.of(), scorer.failureTotals());
            assertEquals(1, calls.get(), "begun after the stop");
        }
    }

    @Test
    void aTimeoutWithinAFunctionIsItsException() {
        var asks =
                each(
                        "asks",
                        _ -> {
                            throw new UncheckedIOException(new SocketTimeoutException("slow"));
                        });
        try (var scorer = new RewardScorer(List.of(asks), RewardLimits.defaults())) {
            scorer.score(batch("a"));
            assertEquals(Map.of(Kind.THREW, 1), scorer.failureTotals().get("asks"));
        }
    }

    @Test
    void completionsSubmittedOneByOneAreScoredWhileOthersAreAwaited() throws InterruptedException {
        var first = new CountDownLatch(1);
        var seen =
                each(
                        "seen",
                        text -> {
                            if (text.equals("first")) {
                                first.countDown();
                            }
                            return text.length();
                        });
        try (var scorer = new RewardScorer(List.of(seen), RewardLimits.defaults())) {
            RewardScorer.Round round = scorer.begin(3);
            round.submit(2, new Prompt("p", List.of()), completion("first"), Map.of("k", 1));
            assertTrue(first.await(2, TimeUnit.MINUTES), "scored before the round ends");
            round.submit(0, new Prompt("p", List.of()), completion("b"), Map.of());
            RewardTable table = round.finish();
            assertArrayEquals(new double[][] {{1}, {NONE}, {5}}, values(table));
            assertEquals(List.of(), table.failures());
        }
    }

    @Test
    void indexUsedTwiceOrOutOfRangeIsRefused() {
        try (var scorer = new RewardScorer(List.of(length()), RewardLimits.defaults())) {
            RewardScorer.Round round = scorer.begin(1);
            var prompt = new Prompt("p", List.of());
            round.submit(0, prompt, completion("c"), Map.of());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> round.submit(0, prompt, completion("c"), Map.of()));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> round.submit(1, prompt, completion("c"), Map.of()));
            assertArrayEquals(new double[][] {{1}}, values(round.finish()));
        }
    }

    @Test
    void functionThatAllowsOneCallAtATimeGetsOne() {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var single =
                new RewardFunction() {
                    @Override
                    public List<OptionalDouble> score(RewardBatch batch) {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        sleep(10);
                        running.decrementAndGet();
                        return Collections.nCopies(batch.size(), OptionalDouble.of(1));
                    }

                    @Override
                    public int concurrency() {
                        return 1;
                    }
                };
        var limits = RewardLimits.defaults().withParallelism(4).withCallSize(1);
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(single.named("single"))), limits)) {
            RewardScorer.Round a = scorer.begin(4);
            RewardScorer.Round b = scorer.begin(4);
            for (int i = 0; i < 4; i++) {
                a.submit(i, new Prompt("p", List.of()), completion("c"), Map.of());
                b.submit(i, new Prompt("p", List.of()), completion("c"), Map.of());
            }
            assertArrayEquals(new double[] {1, 1, 1, 1}, a.finish().column(0));
            assertArrayEquals(new double[] {1, 1, 1, 1}, b.finish().column(0));
        }
        assertEquals(1, most.get());
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void functionThatHeedsInterruptionIsKeptAfterSingleHangs() {
        var slow =
                each(
                        "slow",
                        text -> {
                            sleep(text.equals("slow") ? 60_000 : 0);
                            return 1;
                        });
        var limits = quick().withCallSize(1).withParallelism(1).withStrikes(2);
        try (var scorer = new RewardScorer(List.of(slow), limits)) {
            RewardTable table = scorer.score(batch("slow", "a", "slow", "b", "slow", "c"));
            assertArrayEquals(new double[] {NONE, 1, NONE, 1, NONE, 1}, table.column(0));
        }
    }

    @Test
    void orderAndNumbersDoNotDependOnWhenCallsEnd() {
        RewardFunction jitters =
                batch -> {
                    sleep(ThreadLocalRandom.current().nextInt(10));
                    batch.logMetric("m", batch.completions().getFirst().text().length() / 3.0);
                    batch.logExtra("upper", batch.columns().get("answer"));
                    return batch.completions().stream()
                            .map(c -> OptionalDouble.of(c.text().length()))
                            .toList();
                };
        var limits = RewardLimits.defaults().withParallelism(4).withCallSize(2);
        var texts = new String[9];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = "x".repeat(i + 1);
        }
        RewardTable first = null;
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(jitters.named("j")), length()), limits)) {
            for (int round = 0; round < 5; round++) {
                RewardTable table = scorer.score(batch(texts));
                if (first == null) {
                    first = table;
                }
                assertArrayEquals(first.values(), table.values());
                assertEquals(first.metrics(), table.metrics());
                assertEquals(first.extras(), table.extras());
            }
        }
        assertEquals("answer xx", first.extras().get("upper").get(1));
        // calls hold rows 0-1, 2-3, 4-5, 6-7 and 8, and log 1, 3, 5, 7 and 9 thirds
        assertEquals((2 * (1 + 3 + 5 + 7) + 9) / 27.0, first.metrics().get("m"), 1e-12);
    }

    @Test
    void extraColumnOfAnotherLengthIsTheFunctionsFault() {
        RewardFunction wrong =
                batch -> {
                    batch.logExtra("x", List.of(1, 2, 3));
                    return List.of(OptionalDouble.of(1));
                };
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(wrong.named("w"))), RewardLimits.defaults())) {
            RewardFailure failure = scorer.score(batch("a")).failures().getFirst();
            assertTrue(failure.example().contains("\"x\" has 3 values for 1"), failure.example());
        }
    }

    @Test
    void equalNamesAreRefused() {
        var error =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                new RewardScorer(
                                        List.of(length(), length()), RewardLimits.defaults()));
        assertTrue(error.getMessage().contains("\"length\""));
    }

    private static Completion completion(String text) {
        return new Completion(text, new int[0], List.of());
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                // a function that ignores interruption
            }
        }
    }
}
