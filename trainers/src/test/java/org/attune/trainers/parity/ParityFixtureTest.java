package org.attune.trainers.parity;

import org.attune.model.layer.Adapter;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.distillation.DistilledRows;
import org.attune.trainers.distillation.TeacherModel;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.preference.DpoObjective;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.referencefree.ImitationObjectives;
import org.attune.trainers.scoring.RewardObjective;
import org.attune.trainers.sft.SftObjective;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.UnpairedCase;
import org.attune.trainers.unpaired.KtoObjective;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Whole runs of TRL on a tiny model: loss, metrics and gradient norm of every step, and the
/// trained weights.
@Tag("fixtures-trl")
class ParityFixtureTest {
    private static final Set<String> TRAINERS =
            Set.of("sft", "dpo", "kto", "reward", "gkd", "orpo", "cpo", "tpo");

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("trl");
        try (var text = TextAssets.load(root.resolve("model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            compareAll(root, tokenizer, output, report);
        }
    }

    /// @param root has the folder `parity` of recorded runs, and the models that they name
    /// @param output where our runs may write
    static void compareAll(Path root, SampleTokenizer tokenizer, Path output, CaseReport report) {
        for (Path folder : Recorded.folders(root.resolve("parity"))) {
            String name = folder.getFileName().toString();
            var parity = ParityCase.of(root, tokenizer, folder, output.resolve(name));
            Optional<String> missing = parity.unsupported();
            if (!TRAINERS.contains(parity.trainer())) {
                report.unsupported(name + " (" + parity.trainer() + ")");
            } else if (missing.isPresent()) {
                report.unsupported(name + " (" + missing.get() + ")");
            } else {
                report.run(name, () -> Engine.run(() -> compare(parity)));
            }
        }
    }

    private static void compare(ParityCase parity) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            switch (parity.trainer()) {
                case "sft" ->
                        SftObjective.trainer(
                                        parity.sftConfig(),
                                        policy,
                                        Optional.empty(),
                                        parity.sftRows(),
                                        List.of(),
                                        context)
                                .train();
                case "reward" ->
                        RewardObjective.trainer(
                                        parity.rewardConfig(),
                                        policy,
                                        parity.rewardPairs(),
                                        List.of(),
                                        context)
                                .train();
                case "gkd" -> gkd(parity, policy, context);
                case "orpo" ->
                        ImitationObjectives.orpo(
                                        parity.orpoConfig(),
                                        policy,
                                        rows(parity, parity.orpoRows()),
                                        context)
                                .train();
                case "cpo" ->
                        ImitationObjectives.cpo(
                                        parity.cpoConfig(),
                                        policy,
                                        rows(parity, parity.cpoRows()),
                                        context)
                                .train();
                case "tpo" ->
                        ImitationObjectives.tpo(
                                        parity.tpoConfig(),
                                        policy,
                                        rows(parity, parity.tpoRows()),
                                        context)
                                .train();
                default -> referenced(parity, policy, context);
            }
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void gkd(ParityCase parity, Policy policy, RunContext context) {
        try (var teacher = parity.model("teacher_model")) {
            DistilledRows.gkd(
                            parity.gkdConfig(),
                            policy,
                            TeacherModel.of(teacher, Adapter.OFF),
                            new DistilledRows.Writers(Optional.empty(), Optional.empty()),
                            parity.completions(),
                            List.of(),
                            context)
                    .train();
        }
    }

    private static ImitationObjectives.Rows rows(ParityCase parity, List<ImitationPair> rows) {
        return new ImitationObjectives.Rows(
                parity.tokenizer().tokenizer().padId(), rows, List.of());
    }

    private static void referenced(ParityCase parity, Policy policy, RunContext context) {
        if (parity.hasSeparateReference()) {
            parity.withSeparateReference(policy, r -> referenced(parity, policy, r, context));
        } else {
            referenced(parity, policy, parity.sharedReference(policy), context);
        }
    }

    private static void referenced(
            ParityCase parity, Policy policy, Scorer reference, RunContext context) {
        switch (parity.trainer()) {
            case "kto" ->
                    KtoObjective.trainer(
                                    new UnpairedCase(parity).ktoConfig(),
                                    policy,
                                    reference,
                                    new UnpairedCase(parity).ktoRows(),
                                    List.of(),
                                    context)
                            .train();
            default ->
                    DpoObjective.trainer(
                                    parity.dpoConfig(),
                                    policy,
                                    reference,
                                    parity.pairs(),
                                    List.of(),
                                    context)
                            .train();
        }
    }
}
