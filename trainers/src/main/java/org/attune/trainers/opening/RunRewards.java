package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.WeightedReward;
import org.attune.reward.spec.RewardSpec;
import org.attune.tensor.Engine;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.judges.LocalJudge;
import org.attune.trainers.judges.LocalJudgeEntry;
import org.attune.trainers.judges.ModelReward;
import org.attune.trainers.judges.RewardModel;
import org.attune.trainers.judges.RoundJudge;
import org.attune.trainers.onpolicy.JudgedRun;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What `reward_funcs` names: functions, on separate threads, and reward models and local judges,
/// which score a finished round on the engine thread; their weights are loaded when they judge
/// first.
/// Owns both.
public final class RunRewards implements CompletionScorer, AutoCloseable {
    private final Optional<RewardScorer> functions;
    private final List<Integer> functionPlaces;
    private final List<Judge> models = new ArrayList<>();

    /// @param place in `reward_funcs`
    /// @param name in metrics
    private record Judge(int place, String name, double weight, RoundJudge model) {}

    private RunRewards(Optional<RewardScorer> functions, List<Integer> functionPlaces) {
        this.functions = functions;
        this.functionPlaces = functionPlaces;
    }

    /// Opens everything.
    ///
    /// @param directory where relative paths start
    /// @throws ConfigException if an entry is faulty
    public static RunRewards open(JudgedRun config, Path directory, HubCache hub) {
        List<Object> entries = config.judges();
        List<Double> weights = config.rewards().rewardWeights();
        if (!weights.isEmpty() && weights.size() != entries.size()) {
            throw new ConfigException(
                    "reward_weights has %d values for %d reward_funcs; give one for each"
                            .formatted(weights.size(), entries.size()));
        }
        List<Integer> places = functionPlaces(entries, directory);
        var rewards = new RunRewards(functions(config, directory, places), places);
        try {
            rewards.openModels(config, directory, hub);
        } catch (RuntimeException e) {
            rewards.close();
            throw e;
        }
        return rewards;
    }

    /// The columns that the functions read. Loads no model.
    static ReadColumns columns(JudgedRun config, Path directory) {
        List<Integer> places = functionPlaces(config.judges(), directory);
        try (var rewards = new RunRewards(functions(config, directory, places), places)) {
            Map<String, Set<String>> columns = new LinkedHashMap<>();
            List<Object> entries = config.judges();
            for (int i = 0; i < entries.size(); i++) {
                if (LocalJudgeEntry.fits(entries.get(i))) {
                    String where = config.rewardPlace(i);
                    var judge = LocalJudgeEntry.of(entries.get(i), directory, where);
                    columns.put(where, judge.prompt().columns());
                }
            }
            return rewards.columns().with(columns);
        }
    }

    private ReadColumns columns() {
        Map<String, Set<String>> ofModels = new LinkedHashMap<>();
        models.forEach(judge -> ofModels.put(judge.name(), judge.model().requiredColumns()));
        return functions.map(ReadColumns::of).orElse(ReadColumns.NONE).with(ofModels);
    }

    /// Checks that the rows have the columns that the functions read, and that the templates of
    /// models show what its messages hold.
    ///
    /// @throws ConfigException naming reward and column
    /// @throws DatasetException naming row, reward model and what its template leaves out
    public void requireRows(RunRows<PromptExample> rows) {
        columns().check(rows);
        RowStream.known(rows.train()).forEach(this::requireShown);
        rows.evalSets().forEach(set -> set.rows().forEach(this::requireShown));
    }

    private void requireShown(PromptExample row) {
        try {
            models.forEach(judge -> judge.model().requireShown(row.messages()));
        } catch (DatasetException e) {
            throw new DatasetException(row.origin().where() + ": " + e.getMessage(), e);
        }
    }

    private static List<Integer> functionPlaces(List<Object> entries, Path directory) {
        var places = new ArrayList<Integer>();
        for (int i = 0; i < entries.size(); i++) {
            Object entry = entries.get(i);
            if (!ModelReward.fits(entry, directory) && !LocalJudgeEntry.fits(entry)) {
                places.add(i);
            }
        }
        return places;
    }

    private static Optional<RewardScorer> functions(
            JudgedRun config, Path directory, List<Integer> places) {
        if (places.isEmpty()) {
            return Optional.empty();
        }
        RewardLimits limits = RolloutSetup.limits(config);
        List<Object> entries = config.judges();
        List<Double> weights = config.rewards().rewardWeights();
        List<WeightedReward> made =
                RewardSpec.parse(places.stream().map(entries::get).toList(), directory, limits);
        return Optional.of(
                new RewardScorer(
                        weights.isEmpty()
                                ? made
                                : RewardSpec.withWeights(
                                        made, places.stream().map(weights::get).toList()),
                        limits));
    }

    private void openModels(JudgedRun config, Path directory, HubCache hub) {
        List<Object> entries = config.judges();
        List<Double> weights = config.rewards().rewardWeights();
        var names = new HashSet<>(functions.map(RewardScorer::names).orElse(List.of()));
        for (int i = 0; i < entries.size(); i++) {
            if (functionPlaces.contains(i)) {
                continue;
            }
            Judge judge = judge(config, i, directory, hub);
            String name = judge.name();
            for (int n = 2; !names.add(name); n++) {
                name = judge.name() + "_" + n;
            }
            double weight = weight(judge.weight(), weights, i);
            models.add(new Judge(i, name, weight, judge.model()));
        }
    }

    private static Judge judge(JudgedRun config, int place, Path directory, HubCache hub) {
        Object entry = config.judges().get(place);
        String where = config.rewardPlace(place);
        if (LocalJudgeEntry.fits(entry)) {
            var judge = LocalJudgeEntry.of(entry, directory, where);
            LocalJudge model = Engine.call(() -> LocalJudge.open(judge, config.model(), hub));
            return new Judge(place, judge.label().orElse("judge"), judge.weight(), model);
        }
        var reward = ModelReward.of(entry, directory, where);
        String folder = reward.folder().toAbsolutePath().getFileName().toString();
        RewardModel model = Engine.call(() -> RewardModel.open(reward, config.model(), hub));
        return new Judge(place, reward.label().orElse(folder), reward.weight(), model);
    }

    private static double weight(double own, List<Double> weights, int place) {
        if (weights.isEmpty()) {
            return own;
        }
        if (own != 1) {
            throw new ConfigException(
                    "reward_funcs[%d] has weight %s and %s in reward_weights; keep one"
                            .formatted(place, own, weights.get(place)));
        }
        return weights.get(place);
    }

    /// Loads the models' weights, on the engine thread.
    ///
    /// @param model the policy's
    /// @param policy borrowed; adapters on its base model share its weights
    void load(ModelSetup model, Policy policy) {
        models.forEach(judge -> judge.model().load(model, policy));
    }

    @Override
    public Map<String, String> identity() {
        Map<String, String> identity =
                new LinkedHashMap<>(functions.map(RewardScorer::identity).orElse(Map.of()));
        models.forEach(
                judge ->
                        identity.put(
                                "reward model " + judge.name() + " (fingerprint)",
                                judge.model().identity()));
        return identity;
    }

    @Override
    public RewardTable score(RewardBatch batch) {
        return joined(functions.map(f -> f.score(batch)).orElseGet(() -> unjudged(batch)), batch);
    }

    @Override
    public Session begin(int completions) {
        return functions
                .<Session>map(f -> f.begin(completions))
                .orElse(RunRewards::unjudged)
                .with(this::joined);
    }

    private static RewardTable unjudged(RewardBatch batch) {
        return new RewardTable(
                List.of(),
                new double[0],
                new double[batch.size()][0],
                List.of(),
                Map.of(),
                Map.of());
    }

    /// The functions' rewards and the models' scores, in the order of `reward_funcs`.
    private RewardTable joined(RewardTable judged, RewardBatch batch) {
        int count = functionPlaces.size() + models.size();
        String[] names = new String[count];
        double[] weights = new double[count];
        double[][] values = new double[batch.size()][count];
        for (int f = 0; f < functionPlaces.size(); f++) {
            int place = functionPlaces.get(f);
            names[place] = judged.names().get(f);
            weights[place] = judged.weights()[f];
            for (int i = 0; i < values.length; i++) {
                values[i][place] = judged.values()[i][f];
            }
        }
        for (Judge judge : models) {
            names[judge.place()] = judge.name();
            weights[judge.place()] = judge.weight();
            double[] scores = Engine.call(() -> judge.model().score(batch));
            for (int i = 0; i < values.length; i++) {
                values[i][judge.place()] = Double.isFinite(scores[i]) ? scores[i] : Double.NaN;
            }
        }
        return new RewardTable(
                List.of(names),
                weights,
                values,
                judged.failures(),
                judged.metrics(),
                judged.extras(),
                judged.turns());
    }

    @Override
    public void close() {
        functions.ifPresent(RewardScorer::close);
        if (!models.isEmpty()) { // else a reader of rows beside a waiting engine may close
            Engine.run(() -> models.forEach(judge -> judge.model().close()));
        }
    }
}
