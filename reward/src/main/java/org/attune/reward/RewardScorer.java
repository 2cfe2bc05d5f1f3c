package org.attune.reward;

import org.attune.error.RewardException;
import org.attune.error.StopRequest;
import org.attune.reward.RewardFailure.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// Scores completions with several functions at once, while others are still being generated:
/// ```
/// try (var scorer = new RewardScorer(functions, RewardLimits.defaults())) {
///     RewardScorer.Round round = scorer.begin(completions);
///     round.submit(i, prompt, completion, columns);   // as soon as completion i is finished
///     RewardTable table = round.finish();
/// }
/// ```
///
/// Functions run on daemon threads of a bounded pool. One that throws, hangs, spins, or returns
/// null, NaN or infinity costs that call's completions their reward. One that returns more or fewer
/// rewards than it was given completions ends the run: which belongs to which is unknown. A
/// call has at most [RewardLimits#callSize] completions, or all of them for a function of
/// [RewardFunction#wholeRound]. Failures are counted in the table, logged once
/// per function and kind, and summed up at the end; the run goes on. A function that hangs again
/// and again is switched off. Neither [#close] nor the JVM's exit waits for a hanging thread.
///
/// Thread-safe. Owns the functions: those that are [AutoCloseable] are closed with it.
public final class RewardScorer implements CompletionScorer, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RewardScorer.class);

    private final List<FunctionState> functions;
    private final CallPool pool;
    private final List<CallPool> pools; // of each function
    private volatile boolean closed;

    /// @param functions with different names; the table has them in this order
    /// @throws IllegalArgumentException if two have the same name, or there is none
    public RewardScorer(List<WeightedReward> functions, RewardLimits limits) {
        if (functions.isEmpty()) {
            throw new IllegalArgumentException("at least one reward function is needed");
        }
        var names = new HashSet<String>();
        for (WeightedReward reward : functions) {
            if (!names.add(reward.name())) {
                throw new IllegalArgumentException(
                        "two reward functions are called \"%s\"; rename one with named(...)"
                                .formatted(reward.name()));
            }
        }
        this.functions =
                functions.stream()
                        .map(reward -> new FunctionState(reward, reward.function().limits(limits)))
                        .toList();
        this.pool = new CallPool(limits.parallelism());
        this.pools =
                this.functions.stream()
                        .map(
                                state ->
                                        state.limits().equals(limits)
                                                ? pool
                                                : new CallPool(state.limits().parallelism()))
                        .toList();
    }

    /// Names of the functions, in the table's order.
    public List<String> names() {
        return functions.stream().map(state -> state.name).toList();
    }

    /// Columns of the data set without which a function can't judge, by the function's name.
    public Map<String, Set<String>> requiredColumns() {
        var required = new LinkedHashMap<String, Set<String>>();
        for (FunctionState state : functions) {
            required.put(state.name, state.reward.function().requiredColumns());
        }
        return required;
    }

    /// Columns of the data set that a function reads of rows that have them, by the function's
    /// name.
    public Map<String, Set<String>> usedColumns() {
        var used = new LinkedHashMap<String, Set<String>>();
        for (FunctionState state : functions) {
            used.put(state.name, state.reward.function().usedColumns());
        }
        return used;
    }

    /// What the functions are made of, as far as they tell, by `reward NAME (hash)`.
    @Override
    public Map<String, String> identity() {
        var identity = new LinkedHashMap<String, String>();
        for (FunctionState state : functions) {
            String content = state.reward.function().content();
            if (!content.isEmpty()) {
                identity.put("reward %s (hash)".formatted(state.name), content);
            }
        }
        return identity;
    }

    /// Scores a whole batch and waits for it. Who is called with which completions depends on the
    /// limits only.
    ///
    /// @throws RewardException if a function gave a wrong number of rewards
    /// @throws CancellationException if the waiting thread is interrupted
    @Override
    public RewardTable score(RewardBatch batch) {
        Round session = begin(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            var columns = new LinkedHashMap<String, Object>();
            for (Map.Entry<String, List<Object>> column : batch.columns().entrySet()) {
                columns.put(column.getKey(), column.getValue().get(i));
            }
            session.round.add(i, batch.prompts().get(i), batch.completions().get(i), columns);
        }
        for (int call = 0; call < batch.size(); call++) {
            session.callEach(); // those that find nothing left to do end at once
        }
        return session.finish();
    }

    /// Opens a round.
    ///
    /// @param completions how many there may be, `N` of the table; those never submitted get no
    ///     reward
    @Override
    public Round begin(int completions) {
        return new Round(new ScoringRound(functions, completions));
    }

    /// Failed completions since the scorer was made, by function and kind.
    public Map<String, Map<Kind, Integer>> failureTotals() {
        var totals = new LinkedHashMap<String, Map<Kind, Integer>>();
        for (FunctionState state : functions) {
            Map<Kind, Integer> ofFunction = state.totals();
            if (!ofFunction.isEmpty()) {
                totals.put(state.name, ofFunction);
            }
        }
        return totals;
    }

    /// Interrupts what still runs, logs how often which function failed, and closes the functions.
    /// Waits for nothing.
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        pool.close();
        pools.forEach(CallPool::close);
        for (FunctionState state : functions) {
            state.logTotals();
            if (state.reward.function() instanceof AutoCloseable closeable) {
                try {
                    closeable.close();
                } catch (Exception e) {
                    log.warn("reward \"{}\" could not be closed: {}", state.name, e.toString(), e);
                }
            }
        }
    }

    /// One round of completions. Thread-safe until [#finish].
    public final class Round implements CompletionScorer.Session {
        private final ScoringRound round;
        private final BooleanSupplier asked = StopRequest.current();

        private Round(ScoringRound round) {
            this.round = round;
        }

        /// Hands over a finished completion; returns at once.
        ///
        /// @param index its row in the table
        /// @param columns further columns of its row in the data set
        /// @throws IllegalArgumentException if the index is out of range or was used before
        @Override
        public void submit(
                int index, Prompt prompt, Completion completion, Map<String, Object> columns) {
            round.add(
                    index,
                    prompt,
                    completion,
                    Collections.unmodifiableMap(new LinkedHashMap<>(columns)));
            callEach();
        }

        private void callEach() {
            for (int f = 0; f < functions.size(); f++) {
                if (!functions.get(f).reward.function().wholeRound()) {
                    call(f, functions.get(f).limits().callSize());
                }
            }
        }

        private void call(int function, int most) {
            if (!pools.get(function).submit(() -> prepare(function, most))) {
                throw new IllegalStateException("the reward scorer is closed");
            }
        }

        /// Runs on the pool: a call with what waits for the function by then; null if nothing does,
        /// or the function is busy.
        private CallPool.Call prepare(int function, int most) {
            FunctionState state = functions.get(function);
            if (!state.enterOrPark(() -> prepare(function, most))) {
                return null;
            }
            int[] indices = round.take(function, most);
            if (indices == null) {
                startNext(function);
                return null;
            }
            return new ScoringCall(
                    round, state, function, indices, () -> startNext(function), this::isOver);
        }

        private boolean isOver() {
            return closed || asked.getAsBoolean();
        }

        private void startNext(int function) {
            Supplier<CallPool.Call> next = functions.get(function).leave();
            if (next != null) {
                pools.get(function)
                        .submit(next); // false if the pool is closed: nobody waits any more
            }
        }

        @Override
        public RewardTable finish(RewardBatch all) {
            return finish();
        }

        /// Waits until every function is done with every completion, or was given up.
        ///
        /// @throws RewardException if a function gave a wrong number of rewards
        /// @throws CancellationException if the waiting thread is interrupted, or the scorer is
        ///     closed meanwhile
        /// @throws org.attune.error.StoppedException if the run is stopped meanwhile
        public RewardTable finish() {
            for (int f = 0; f < functions.size(); f++) {
                if (functions.get(f).reward.function().wholeRound()) {
                    call(f, Integer.MAX_VALUE);
                }
            }
            try {
                boolean whole = round.await(this::isOver);
                StopRequest.check(asked); // what was begun after that gave no rewards
                if (!whole) {
                    throw new CancellationException("closed while rewards were computed");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancellationException("interrupted while rewards were computed");
            }
            return round.table();
        }
    }
}
