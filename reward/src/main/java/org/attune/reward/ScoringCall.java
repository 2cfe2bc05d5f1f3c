package org.attune.reward;

import org.attune.error.EngineWait;
import org.attune.error.StopRequest;
import org.attune.reward.RewardFailure.Kind;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/// One call of one function. If a call with several completions throws, they are tried one by
/// one, so that only those lose their reward which the function can't stand.
final class ScoringCall implements CallPool.Call {
    private final ScoringRound round;
    private final FunctionState state;
    private final int function;
    private final int[] indices;
    private final Runnable afterwards;
    private final BooleanSupplier over;
    private final List<Runnable> results = new ArrayList<>();
    private boolean settled;

    /// @param afterwards run once, when the call has ended or was given up
    /// @param over whether nobody waits for the round any more, since the run is being stopped:
    ///     nothing is begun then, and what fails is no fault of the function
    ScoringCall(
            ScoringRound round,
            FunctionState state,
            int function,
            int[] indices,
            Runnable afterwards,
            BooleanSupplier over) {
        this.round = round;
        this.state = state;
        this.function = function;
        this.indices = indices;
        this.afterwards = afterwards;
        this.over = over;
    }

    @Override
    public void run() {
        if (state.off()) {
            fail(Kind.SWITCHED_OFF, indices, "it exceeded its time limit too often", null);
        } else if (!over.getAsBoolean()) {
            score(indices, !state.reward.function().wholeRound());
        }
        boolean inTime =
                settle(
                        () -> {
                            state.countEnd();
                            results.forEach(Runnable::run);
                        });
        if (!inTime) {
            state.countReturn();
        }
    }

    @Override
    public Duration timeout() {
        return state.limits().timeout(indices.length);
    }

    @Override
    public boolean giveUp() {
        return settle(
                () -> {
                    state.countHang();
                    record(Kind.TIMED_OUT, indices, "no answer, the call was given up", null);
                });
    }

    /// The first to come decides: a result after the call was given up is ignored, and the other
    /// way round.
    private boolean settle(Runnable outcome) {
        synchronized (this) {
            if (settled) {
                return false;
            }
            settled = true;
        }
        outcome.run();
        afterwards.run();
        round.done(indices);
        return true;
    }

    private synchronized boolean givenUp() {
        return settled;
    }

    @SuppressWarnings("CatchingUnchecked") // also what a function throws past the compiler
    private void score(int[] part, boolean retryAlone) {
        var sink = new Sink(part);
        List<OptionalDouble> rewards;
        try {
            RewardBatch batch = round.batch(part, sink);
            rewards =
                    StopRequest.watching(
                            over,
                            () ->
                                    EngineWait.over(
                                            round.engineWaits(),
                                            () -> state.reward.function().score(batch)));
        } catch (Throwable t) { // an Error of a user's function, too, must not end the run
            if (part.length == 1 || !retryAlone || t instanceof RewardUnavailableException) {
                // A program has the limit of its call too, and may be killed before the call is.
                boolean late =
                        t instanceof RewardUnavailableException
                                && t.getCause() instanceof InterruptedIOException;
                fail(
                        late ? Kind.TIMED_OUT : Kind.THREW,
                        part,
                        isForPeople(t) ? t.getMessage() : describe(t),
                        isForPeople(t) ? null : t);
            } else {
                for (int i = 0; i < part.length && !givenUp() && !over.getAsBoolean(); i++) {
                    score(new int[] {part[i]}, false);
                }
            }
            return;
        }
        if (rewards == null) {
            fail(Kind.RETURNED_NULL, part, "instead of a list", null);
        } else if (rewards.size() != part.length) {
            results.add(() -> round.miscounted(state.name, rewards.size(), part.length));
        } else {
            keep(part, rewards);
            results.addAll(sink.logged);
        }
    }

    private void keep(int[] part, List<OptionalDouble> rewards) {
        for (int i = 0; i < part.length; i++) {
            int index = part[i];
            OptionalDouble reward = rewards.get(i);
            if (reward == null) {
                fail(Kind.RETURNED_NULL, new int[] {index}, "instead of an empty value", null);
            } else if (reward.isPresent() && !Double.isFinite(reward.getAsDouble())) {
                fail(Kind.NOT_FINITE, new int[] {index}, "got " + reward.getAsDouble(), null);
            } else {
                reward.ifPresent(value -> results.add(() -> round.reward(function, index, value)));
            }
        }
    }

    private void fail(Kind kind, int[] part, String example, Throwable cause) {
        results.add(() -> record(kind, part, example, cause));
    }

    private void record(Kind kind, int[] part, String example, Throwable cause) {
        round.failure(function, kind, part, example);
        if (!over.getAsBoolean()) {
            state.countFailures(kind, part.length, example, cause);
        }
    }

    /// What a program or a service did is no matter of our stack.
    private static boolean isForPeople(Throwable t) {
        return t.getMessage() != null
                && (t instanceof RewardUnavailableException || t instanceof RewardAnswerException);
    }

    private static String describe(Throwable t) {
        String message = t.getMessage();
        String name = t.getClass().getSimpleName();
        return message == null ? name : name + ": " + message;
    }

    /// What the function logs stays here until the call has ended well.
    private final class Sink implements RewardLog {
        private final int[] part;
        private final List<Runnable> logged = new ArrayList<>();

        Sink(int[] part) {
            this.part = part;
        }

        @Override
        public void metric(String name, double value) {
            add(() -> round.metric(function, name, part, value));
        }

        @Override
        public void extra(String column, List<?> values) {
            if (values.size() != part.length) {
                throw new IllegalArgumentException(
                        "extra column \"%s\" has %d values for %d completions"
                                .formatted(column, values.size(), part.length));
            }
            List<?> copy = Arrays.asList(values.toArray());
            add(() -> round.extra(function, column, part, copy));
        }

        @Override
        public void failed(int index, String why) {
            add(() -> record(Kind.UNANSWERED, new int[] {part[index]}, why, null));
        }

        @Override
        public void turns(int index, double[] rewards) {
            double[] copy = rewards.clone();
            add(() -> round.turns(function, part[index], copy));
        }

        private void add(Runnable entry) {
            synchronized (logged) {
                logged.add(entry);
            }
        }
    }
}
