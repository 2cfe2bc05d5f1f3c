package org.attune.trainers.ppo;

import org.attune.policy.CausalPolicy;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.Trainer;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/// Adds the gradients of one optimizer step's loss to those of policy and critic. How the
/// completions are grouped for computing changes nothing.
final class PpoPass {
    private final PpoConfig config;
    private final Critic critic;
    private final StepEngine engine;
    private final double partWeight;
    private final IntFunction<String> origins;
    private long[] tokens = {};
    private int passes; // of the policy in an update

    /// @param means policy, devices and groups; borrowed
    /// @param partWeight as [UpdatePlan#partWeight] says
    /// @param origins where a prompt comes from
    PpoPass(
            PpoConfig config,
            Trainer.Means means,
            Critic critic,
            double partWeight,
            IntFunction<String> origins) {
        this.config = config;
        this.critic = critic;
        this.partWeight = partWeight;
        this.origins = origins;
        engine = means.engine("ppo");
    }

    /// Forgets the tokens of the update before.
    void begin() {
        tokens = new long[engine.devices().count()];
        passes = 0;
    }

    /// Tokens of each device since [#begin].
    long[] tokens() {
        return tokens.clone();
    }

    /// The policy's part, and the critic's where it shares the trunk.
    void policy(
            UpdatePlan.Step step, List<PpoRow> rows, PpoObjective objective, UpdateTotals totals) {
        var policyStep = new PolicyStep(config, critic, objective, origins);
        CausalPolicy policy = engine.policy();
        var trained =
                new StepEngine.Trained(
                        critic instanceof Critic.Head(var head)
                                ? List.of(policy.parameters(), head)
                                : List.of(policy.parameters()),
                        first -> policy.startAt(passes + first));
        StepEngine.PassSize learned = learn(engine, policyStep, step, rows, totals, trained);
        passes += learned.groups();
        Arrays.setAll(tokens, device -> tokens[device] + learned.tokens()[device]);
    }

    /// The part of a critic that is a separate network.
    void critic(UpdatePlan.Step step, List<PpoRow> rows, UpdateTotals totals) {
        if (critic instanceof Critic.Network(var model)) {
            StepEngine own = engine.of("ppo.critic", model);
            learn(own, new CriticStep(config, origins), step, rows, totals, own.trained());
        }
    }

    private StepEngine.PassSize learn(
            StepEngine by,
            UpdateObjective objective,
            UpdatePlan.Step step,
            List<PpoRow> rows,
            UpdateTotals totals,
            StepEngine.Trained trained) {
        List<RowAt<PpoMember>> members = PpoMember.of(step, rows, partWeight);
        return by.<PpoMember, CompletionForest>learn(
                objective,
                members,
                objective.into(totals),
                objective.into(totals.blank()),
                trained);
    }
}
