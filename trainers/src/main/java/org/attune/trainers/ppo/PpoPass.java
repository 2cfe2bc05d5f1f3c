package org.attune.trainers.ppo;

import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.error.StopRequest;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.rows.DeviceGroups;
import org.attune.trainers.rows.GroupNumbers;
import org.attune.trainers.rows.LastLayout;
import org.attune.trainers.rows.RowGroups;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/// Adds the gradients of one optimizer step's loss to those of policy and critic. How the
/// completions are grouped for computing changes nothing.
final class PpoPass {
    /// The id that TRL computes padding with.
    private static final int TRL_PADDING = 0;

    private final PpoConfig config;
    private final CausalPolicy policy;
    private final Critic critic;
    private final RowGroups groups;
    private final LogicalDevices devices;
    private final ValueObjective valueObjective;
    private final HeadRequest request;
    private final double partWeight;
    private final IntFunction<String> origins;
    private final PhaseClock clock;
    private long[] tokens = {};
    private int passes; // of the policy in an update

    /// A completion with its shares of the step's loss.
    ///
    /// @param slot of its statistics
    /// @param share factor of its tokens' policy losses
    /// @param valueShare factor of its states' value losses
    private record Member(PpoRow row, int slot, double share, double valueShare) {
        int tokens() {
            return row.tokens().prompt().length + row.tokens().completion().length;
        }
    }

    /// @param devices among which completions are dealt; borrowed
    /// @param partWeight as [UpdatePlan#partWeight] says
    /// @param origins where a prompt comes from
    /// @param clock counts as `data` what is laid out
    PpoPass(
            PpoConfig config,
            CausalPolicy policy,
            Critic critic,
            RowGroups groups,
            LogicalDevices devices,
            double partWeight,
            IntFunction<String> origins,
            PhaseClock clock) {
        this.config = config;
        this.policy = policy;
        this.critic = critic;
        this.groups = groups;
        this.devices = devices;
        this.partWeight = partWeight;
        this.origins = origins;
        this.clock = clock;
        valueObjective = PpoObjectives.value(config);
        request = PpoObjectives.request(config, critic instanceof Critic.Head);
    }

    /// Forgets the tokens of the update before.
    void begin() {
        tokens = new long[devices.count()];
        passes = 0;
    }

    /// Tokens of each device since [#begin].
    long[] tokens() {
        return tokens.clone();
    }

    /// The policy's part, and the critic's where it shares the trunk.
    void policy(
            UpdatePlan.Step step, List<PpoRow> rows, PpoObjective objective, UpdateTotals totals) {
        DeviceGroups<Member> cut = dealt(step, rows);
        var layouts = new LastLayout<Member, CompletionForest>(this::forest);
        cut.learn(
                new DeviceGroups.Trained(
                        critic instanceof Critic.Head(var head)
                                ? List.of(policy.parameters(), head)
                                : List.of(policy.parameters()),
                        first -> policy.startAt(passes + first)),
                totals,
                totals.blank(),
                () -> false,
                (group, into) -> {
                    StopRequest.check();
                    CompletionForest forest = clock.timed("data", () -> layouts.of(group));
                    try (var _ = TensorScope.open("ppo.policy");
                            Evaluation e = policy.evaluate(forest.forest(), request)) {
                        Measurement said = e.measurement();
                        Slopes slopes = policySlopes(group, forest, said, objective, into);
                        e.backward(slopes.logProbs(), slopes.others());
                        return GroupNumbers.of(said);
                    }
                },
                (group, said) ->
                        policySlopes(group, layouts.of(group), said.policy(), objective, totals));
        passes += cut.all().size();
        long[] own = cut.tokens(Member::tokens);
        Arrays.setAll(tokens, device -> tokens[device] + own[device]);
    }

    /// Derivatives of the loss by what was measured of each target, `(M)` each.
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Slopes(float[] logProbs, Map<HeadStatistic, float[]> others) {}

    private Slopes policySlopes(
            List<Member> group,
            CompletionForest forest,
            Measurement measured,
            PpoObjective objective,
            UpdateTotals totals) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        Map<HeadStatistic, float[]> others = new EnumMap<>(HeadStatistic.class);
        for (HeadStatistic learned : request.learned()) {
            others.put(learned, new float[slopes.length]);
        }
        for (int i = 0; i < group.size(); i++) {
            TargetRange range = forest.completions().get(i);
            Member m = group.get(i);
            policyLoss(m, range, measured, objective, slopes, totals);
            if (others.containsKey(HeadStatistic.ENTROPY)) {
                entropyLoss(m, range, others.get(HeadStatistic.ENTROPY));
            }
            if (others.containsKey(HeadStatistic.VALUE)) {
                double[] values = range.of(measured.statistic(HeadStatistic.VALUE));
                valueLoss(m, range, values, others.get(HeadStatistic.VALUE), totals);
            }
        }
        return new Slopes(slopes, others);
    }

    /// The part of a critic that is a separate network.
    void critic(UpdatePlan.Step step, List<PpoRow> rows, UpdateTotals totals) {
        if (!(critic instanceof Critic.Network(var model))) {
            return;
        }
        var layouts = new LastLayout<>(this::states);
        dealt(step, rows)
                .learn(
                        model,
                        totals,
                        totals.blank(),
                        () -> false,
                        (group, into) -> {
                            StopRequest.check();
                            CompletionForest forest = clock.timed("data", () -> layouts.of(group));
                            try (var _ = TensorScope.open("ppo.critic");
                                    Evaluation e =
                                            model.evaluate(forest.forest(), HeadRequest.of())) {
                                Measurement said = e.measurement();
                                e.backward(criticSlopes(group, forest, said, into)); // (M)
                                return GroupNumbers.of(said);
                            }
                        },
                        (group, said) ->
                                criticSlopes(group, layouts.of(group), said.policy(), totals));
    }

    private float[] criticSlopes(
            List<Member> group,
            CompletionForest forest,
            Measurement measured,
            UpdateTotals totals) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        for (int i = 0; i < group.size(); i++) {
            TargetRange range = forest.completions().get(i);
            double[] values = range.of(measured.tokenLogProbs());
            valueLoss(group.get(i), range, values, slopes, totals);
        }
        return slopes;
    }

    private DeviceGroups<Member> dealt(UpdatePlan.Step step, List<PpoRow> rows) {
        return groups.dealt(devices, members(step, rows), m -> m.row().tokens().sequences());
    }

    private List<Member> members(UpdatePlan.Step step, List<PpoRow> rows) {
        List<Member> members = new ArrayList<>();
        for (UpdatePlan.Part part : step.parts()) {
            double tokens = 0;
            double states = 0;
            for (int i : part.rows()) {
                tokens += rows.get(i).counted();
                states += rows.get(i).countedStates();
            }
            for (int i : part.rows()) {
                members.add(
                        new Member(
                                rows.get(i),
                                part.slot(),
                                partWeight / Math.max(1, tokens),
                                partWeight / Math.max(1, states)));
            }
        }
        return members;
    }

    private void policyLoss(
            Member m,
            TargetRange range,
            Measurement measured,
            PpoObjective objective,
            float[] slopes,
            UpdateTotals totals) {
        PpoObjective.Result result =
                objective.evaluate(
                        m.row()
                                .scores(
                                        range.of(measured.tokenLogProbs()),
                                        range.of(measured.statistic(HeadStatistic.ENTROPY))));
        FiniteLoss.require(result.loss(), List.of(origins.apply(m.row().prompt())));
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] = (float) (m.share() * result.slopes()[t]);
        }
        int padding = config.sampling().maxCompletionLength() - range.size();
        totals.add(m.slot(), result, padding, paddingEntropy(measured, range.end(), padding));
    }

    private CompletionForest forest(List<Member> group) {
        List<CompletionForest.Row> rows = group.stream().map(m -> m.row().tokens()).toList();
        return config.loss().trlCompat()
                ? CompletionForest.padded(rows, TRL_PADDING, groups.shares())
                : CompletionForest.of(rows, groups.shares());
    }

    private CompletionForest states(List<Member> group) {
        return CompletionForest.values(
                group.stream().map(m -> m.row().tokens()).toList(),
                group.stream().mapToInt(m -> m.row().values().length).toArray(),
                groups.shares());
    }

    /// TRL's mean entropy is over padding too. The first place behind a completion is predicted
    /// from its last token, each further one from the padding before it, and these are all alike.
    private double paddingEntropy(Measurement measured, int after, int padding) {
        if (!config.loss().trlCompat() || padding <= 0) {
            return 0;
        }
        float[] entropy = measured.statistic(HeadStatistic.ENTROPY);
        return entropy[after] + (padding - 1) * entropy[after + 1];
    }

    private void entropyLoss(Member m, TargetRange range, float[] slopes) {
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] =
                    (float) (-config.loss().entropyCoef() * m.share() * m.row().mask()[t]);
        }
    }

    private void valueLoss(
            Member m, TargetRange range, double[] values, float[] slopes, UpdateTotals totals) {
        PpoRow row = m.row();
        ValueObjective.Result result =
                valueObjective.evaluate(values, row.values(), row.returns(), row.valueMask());
        FiniteLoss.require(result.loss(), List.of(origins.apply(row.prompt())));
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] =
                    (float) (config.loss().vfCoef() * m.valueShare() * result.slopes()[t]);
        }
        totals.add(m.slot(), result);
    }
}
