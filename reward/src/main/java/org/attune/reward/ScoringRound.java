package org.attune.reward;

import org.attune.error.EngineWait;
import org.attune.error.RewardException;
import org.attune.reward.RewardFailure.Kind;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/// The state of one round: completions that arrived, rewards, failures. Everything is stored by the
/// completion's index, so that nothing depends on the order in which calls end. Thread-safe.
final class ScoringRound {
    private record Row(Prompt prompt, Completion completion, Map<String, Object> columns) {}

    private record Logged(int firstRow, int rows, double value) {}

    private static final class Failed {
        private int count;
        private int first = Integer.MAX_VALUE;
        private String example;
    }

    private final List<FunctionState> functions;
    private final Row[] rows;
    private final double[][] values;
    private final List<TreeSet<Integer>> pending = new ArrayList<>();
    private final List<Map<Kind, Failed>> failures = new ArrayList<>();
    // by function, then metric: TRL's names may be logged by several functions
    private final List<TreeMap<String, List<Logged>>> metrics = new ArrayList<>();
    private final List<TreeMap<String, Object[]>> extras = new ArrayList<>();
    private final List<double[][]> turns = new ArrayList<>(); // by function; null: not split
    private int open;
    private String miscount; // null: none
    private final boolean engineWaits = EngineWait.isOn();

    ScoringRound(List<FunctionState> functions, int completions) {
        this.functions = functions;
        this.rows = new Row[completions];
        this.values = new double[completions][functions.size()];
        for (double[] row : values) {
            Arrays.fill(row, Double.NaN);
        }
        for (int f = 0; f < functions.size(); f++) {
            pending.add(new TreeSet<>());
            failures.add(new EnumMap<>(Kind.class));
            metrics.add(new TreeMap<>());
            extras.add(new TreeMap<>());
            turns.add(new double[completions][]);
        }
    }

    /// Whether the engine thread waits for the round.
    boolean engineWaits() {
        return engineWaits;
    }

    /// Adds a completion for every function.
    synchronized void add(
            int index, Prompt prompt, Completion completion, Map<String, Object> columns) {
        if (index < 0 || index >= rows.length) {
            throw new IllegalArgumentException(
                    "completion index must be in [0, %d), got %d".formatted(rows.length, index));
        }
        if (rows[index] != null) {
            throw new IllegalArgumentException("completion " + index + " was submitted before");
        }
        rows[index] = new Row(prompt, completion, columns);
        for (TreeSet<Integer> queue : pending) {
            queue.add(index);
        }
        open += functions.size();
    }

    /// Takes the first waiting completions for a function, at most `most`; null if none waits.
    synchronized int[] take(int function, int most) {
        TreeSet<Integer> queue = pending.get(function);
        int[] taken = queue.stream().limit(most).mapToInt(Integer::intValue).toArray();
        for (int index : taken) {
            queue.remove(index);
        }
        return taken.length == 0 ? null : taken;
    }

    synchronized RewardBatch batch(int[] indices, RewardLog log) {
        var prompts = new ArrayList<Prompt>();
        var completions = new ArrayList<Completion>();
        Set<String> names = new LinkedHashSet<>();
        for (int index : indices) {
            prompts.add(rows[index].prompt());
            completions.add(rows[index].completion());
            names.addAll(rows[index].columns().keySet());
        }
        var columns = new LinkedHashMap<String, List<Object>>();
        for (String name : names) {
            var column = new ArrayList<Object>();
            for (int index : indices) {
                column.add(rows[index].columns().get(name));
            }
            columns.put(name, Collections.unmodifiableList(column));
        }
        return new RewardBatch(prompts, completions, columns, log);
    }

    synchronized void reward(int function, int index, double value) {
        values[index][function] = value;
    }

    synchronized void failure(int function, Kind kind, int[] indices, String example) {
        Failed failed = failures.get(function).computeIfAbsent(kind, _ -> new Failed());
        failed.count += indices.length;
        if (indices[0] < failed.first) {
            failed.first = indices[0];
            failed.example = example;
        }
    }

    synchronized void metric(int function, String name, int[] indices, double value) {
        metrics.get(function)
                .computeIfAbsent(name, _ -> new ArrayList<>())
                .add(new Logged(indices[0], indices.length, value));
    }

    synchronized void extra(int function, String column, int[] indices, List<?> cells) {
        Object[] cellsOfRound =
                extras.get(function).computeIfAbsent(column, _ -> new Object[rows.length]);
        for (int i = 0; i < indices.length; i++) {
            cellsOfRound[indices[i]] = cells.get(i);
        }
    }

    synchronized void turns(int function, int index, double[] rewards) {
        turns.get(function)[index] = rewards;
    }

    private Map<String, List<Optional<double[]>>> splits() {
        var splits = new LinkedHashMap<String, List<Optional<double[]>>>();
        for (int f = 0; f < functions.size(); f++) {
            if (Arrays.stream(turns.get(f)).anyMatch(Objects::nonNull)) {
                splits.put(
                        functions.get(f).name,
                        Arrays.stream(turns.get(f)).map(Optional::ofNullable).toList());
            }
        }
        return splits;
    }

    /// A function is done with these completions, well or not.
    synchronized void done(int[] indices) {
        open -= indices.length;
        if (open == 0) {
            notifyAll();
        }
    }

    /// A function gave a wrong number of rewards, of which none can be told to belong to which
    /// completion.
    synchronized void miscounted(String function, int got, int expected) {
        if (miscount == null) {
            miscount =
                    ("reward \"%s\" returned %d values for %d completions; it must return one for"
                                    + " each completion it is given, in their order (none, or null"
                                    + " of a program, where it doesn't apply). Correct it: which"
                                    + " value belongs to which completion is unknown")
                            .formatted(function, got, expected);
        }
    }

    /// Waits until every function is done with every completion that was added.
    ///
    /// @param stop asked now and then; ends the waiting
    /// @return false if `stop` ended it
    /// @throws RewardException if a function gave a wrong number of rewards
    synchronized boolean await(BooleanSupplier stop) throws InterruptedException {
        while (open > 0 && !stop.getAsBoolean()) {
            wait(100);
        }
        if (miscount != null) {
            throw new RewardException(miscount);
        }
        return open == 0;
    }

    synchronized RewardTable table() {
        var failureList = new ArrayList<RewardFailure>();
        var metricMeans = new LinkedHashMap<String, Double>();
        var extraColumns = new LinkedHashMap<String, List<Object>>();
        for (int f = 0; f < functions.size(); f++) {
            String name = functions.get(f).name;
            int count = failures.get(f).values().stream().mapToInt(x -> x.count).sum();
            if (count > 0) {
                metricMeans.put("rewards/" + name + "/failed", (double) count);
            }
            failures.get(f)
                    .forEach(
                            (kind, failed) ->
                                    failureList.add(
                                            new RewardFailure(
                                                    name,
                                                    kind,
                                                    failed.count,
                                                    failed.first,
                                                    failed.example)));
            metrics.get(f).forEach((metric, logged) -> metricMeans.put(metric, mean(logged)));
            extras.get(f)
                    .forEach(
                            (column, cells) ->
                                    extraColumns.put(
                                            column,
                                            Collections.unmodifiableList(Arrays.asList(cells))));
        }
        return new RewardTable(
                functions.stream().map(state -> state.name).toList(),
                functions.stream().mapToDouble(state -> state.reward.weight()).toArray(),
                values,
                failureList,
                Collections.unmodifiableMap(metricMeans),
                Collections.unmodifiableMap(extraColumns),
                splits());
    }

    /// Calls end in any order; adding up in the order of completions gives the same last digit.
    private static double mean(List<Logged> logged) {
        logged.sort((a, b) -> Integer.compare(a.firstRow(), b.firstRow()));
        double sum = 0;
        long count = 0;
        for (Logged one : logged) {
            sum += one.value() * one.rows();
            count += one.rows();
        }
        return sum / count;
    }
}
