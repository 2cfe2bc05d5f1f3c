package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.policy.MovingReference;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.Advantages;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.Shaped;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Self-distillation: whole runs of TRL's, recorded by `trainers/src/test/recorded/make_runs.py`,
/// and prompts as the teacher reads them.
class SelfDistillationTest {
    private static final String FOLDER = "trainers/src/test/resources/recorded";

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.own(FOLDER);
        try (var text = TextAssets.load(Fixtures.own("examples/model"))) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            List<Path> folders = Recorded.folders(root.resolve("self"));
            assertEquals(10, folders.size());
            for (Path folder : folders) {
                Path out = output.resolve(folder.getFileName());
                Engine.run(() -> compare(ParityCase.of(root, tokenizer, folder, out), text));
            }
        }
    }

    private static void compare(ParityCase parity, TextAssets text) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var start = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            switch (SelfDistillationConfig.Kind.valueOf(parity.upper("teacher_model_kind"))) {
                case BASE -> train(parity, policy, Policy.reference(start), context, text);
                case LIVE ->
                        train(parity, policy, SelfOpening.live(policy, decoder), context, text);
                case EMA -> {
                    try (MovingReference moving = policy.movingModel(start, Scorer.Start.SAME)) {
                        train(parity, policy, moving, context, text);
                    }
                }
            }
            Parity.compareSteps(steps(parity), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        }
    }

    private static List<JsonNode> steps(ParityCase parity) {
        try {
            return parity.expectedSteps();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SelfDistillationConfig loss(ParityCase parity, SelfDistillationConfig loss) {
        JsonNode c = parity.config();
        JsonNode top = c.get("distillation_topk");
        SelfDistillationConfig read =
                loss.withDistillationAlpha(c.get("distillation_alpha").asDouble())
                        .withDistillationMode(
                                SelfDistillationConfig.Mode.valueOf(
                                        parity.upper("distillation_mode")))
                        .withDistillationAddTail(c.get("distillation_add_tail").asBoolean())
                        .withTeacherModelKind(
                                SelfDistillationConfig.Kind.valueOf(
                                        parity.upper("teacher_model_kind")))
                        .withTeacherUpdateRate(c.get("teacher_update_rate").asDouble())
                        .withTeacherSyncSteps(c.get("teacher_sync_steps").asInt());
        return top.isNull() ? read : read.withDistillationTopk(top.asInt());
    }

    private static SdftConfig sdft(ParityCase parity) {
        JsonNode c = parity.config();
        return SdftConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("recorded"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withNumGenerations(c.get("num_generations").asInt())
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                .withLoss(l -> loss(parity, l))
                .withNumLossTokensToSkip(c.get("num_loss_tokens_to_skip").asInt())
                .withGenerateFromTeacher(c.get("generate_from_teacher").asBoolean())
                .withTeacherPromptTemplate(c.get("teacher_prompt_template").asText())
                .withTraining(parity::training);
    }

    private static SdpoConfig sdpo(ParityCase parity) {
        JsonNode c = parity.config();
        return SdpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("recorded"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withNumGenerations(c.get("num_generations").asInt())
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                .withRewards(r -> r.withRewardFuncs(List.of("low", "short")))
                .withLoss(l -> loss(parity, l))
                .withReprompt(r -> reprompt(c, r))
                .withDistillationWeight(c.get("distillation_weight").asDouble())
                .withLossType(SdpoConfig.LossType.valueOf(parity.upper("loss_type")))
                .withScaleRewards(Advantages.Scale.valueOf(parity.upper("scale_rewards")))
                .withMaskTruncatedCompletions(c.get("mask_truncated_completions").asBoolean())
                .withTraining(parity::training);
    }

    private static RepromptConfig reprompt(JsonNode c, RepromptConfig config) {
        return config.withUseSuccessfulAsTeacher(c.get("use_successful_as_teacher").asBoolean())
                .withSuccessRewardThreshold(c.get("success_reward_threshold").asDouble())
                .withDontRepromptOnSelfSuccess(c.get("dont_reprompt_on_self_success").asBoolean())
                .withIncludeEnvironmentFeedback(c.get("include_environment_feedback").asBoolean())
                .withEnvironmentFeedbackOnlyWithoutSolution(
                        c.get("environment_feedback_only_without_solution").asBoolean())
                .withRemoveThinkingFromDemonstration(
                        c.get("remove_thinking_from_demonstration").asBoolean())
                .withMaxRepromptLen(c.get("max_reprompt_len").asInt())
                .withRepromptTemplate(c.get("reprompt_template").asText())
                .withSolutionTemplate(c.get("solution_template").asText())
                .withFeedbackTemplate(c.get("feedback_template").asText());
    }

    private static void train(
            ParityCase parity, Policy policy, Scorer teacher, RunContext context, TextAssets text) {
        var recorded =
                new RecordedRollouts(
                        parity.folder().resolve("rollouts.jsonl"),
                        parity.config().get("max_completion_length").asInt(),
                        List.of(text.tokenizer().eosId().orElseThrow()));
        if (parity.config().get("trainer").asText().equals("sdft")) {
            SdftConfig config = sdft(parity);
            SelfOpening.sdft(
                            config,
                            policy,
                            teacher,
                            recorded,
                            text.tokenizer(),
                            parity.prompts(
                                    p -> new TaughtPrompts(p, config.teacherPromptTemplate())),
                            List.of(),
                            context)
                    .train();
            return;
        }
        SdpoConfig config = sdpo(parity);
        List<String> names = List.of("low", "short");
        double[] weights = weights(parity.config().get("reward_weights"));
        CompletionScorer rewards =
                (RewardBatch _) -> RewardTable.of(names, weights, table(recorded.rewards(), names));
        SelfOpening.sdpo(
                        config,
                        policy,
                        teacher,
                        new RoundInputs(
                                Optional.empty(),
                                recorded,
                                rewards,
                                text.tokenizer(),
                                parity.prompts(p -> p),
                                List.of()),
                        new Reprompts(
                                config.reprompt(),
                                config.scaleRewards(),
                                new PromptPreparation(
                                        new SampleTokenizer(text.tokenizer(), text.template()),
                                        OptionalInt.empty(),
                                        BadRowPolicy.ERROR)),
                        context)
                .train();
    }

    private static double[] weights(JsonNode given) {
        return given.isNull()
                ? new double[] {1, 1}
                : new double[] {given.get(0).asDouble(), given.get(1).asDouble()};
    }

    private static double[][] table(List<Map<String, Double>> rewards, List<String> names) {
        return rewards.stream()
                .map(row -> names.stream().mapToDouble(row::get).toArray())
                .toArray(double[][]::new);
    }

    private static Shaped<PromptExample> taught(String template, Content prompt, Object told) {
        try (var text = TextAssets.load(Fixtures.own("examples/model"))) {
            var prompts =
                    new PromptPreparation(
                            new SampleTokenizer(text.tokenizer(), text.template()),
                            OptionalInt.of(60),
                            BadRowPolicy.ERROR);
            Map<String, Object> columns =
                    told == null ? Map.of() : Map.of("privileged_context", told);
            var row = new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
            return new TaughtPrompts(prompts, template)
                    .shape(new Sample.PromptOnly(prompt, TemplateOptions.NONE, row));
        }
    }

    private static String read(String template, Content prompt, Object told) {
        var kept = (Shaped.Kept<PromptExample>) taught(template, prompt, told);
        assertTrue(!kept.row().text().contains("4 2"), "the student isn't told");
        return kept.row().taught().orElseThrow().text();
    }

    @Test
    void theTeacherReadsWhatTheTemplateMakesOfThePrompt() {
        var text = new Content.Text("Sort: 2 4");
        assertEquals("Sort: 2 4 {4 2}", read("{prompt} {{{privileged_context}}}", text, "4 2"));
        Object messages =
                List.of(
                        Map.of("role", "user", "content", "4"),
                        Map.of("role", "assistant", "content", "4 2"));
        assertEquals("4\n4 2 Sort: 2 4", read("{privileged_context} {prompt}", text, messages));
        var turns =
                new Content.Turns(
                        List.of(Message.of("system", "Be short."), Message.of("user", "2 4")));
        String read = read("{prompt}|{privileged_context}", turns, "$1 4 2");
        assertTrue(read.contains("Be short.") && read.contains("2 4|$1 4 2"), read);
    }

    @Test
    void rowsThatTellTheTeacherNothingAreRefused() {
        String template = "{prompt} {privileged_context}";
        var text = new Content.Text("Sort: 2 4");
        var missing = assertThrows(DatasetException.class, () -> taught(template, text, null));
        assertTrue(
                missing.getMessage().contains("privileged_context is missing"),
                missing::getMessage);
        assertThrows(DatasetException.class, () -> taught(template, text, List.of(1L)));
        var answered =
                new Content.Turns(List.of(Message.of("user", "2 4"), Message.of("assistant", "2")));
        assertThrows(DatasetException.class, () -> taught(template, answered, "4 2"));
        var left = (Shaped.Left<PromptExample>) taught(template, text, "4 ".repeat(60));
        assertTrue(left.reason().contains("the teacher's prompt"), left.reason());
    }

    @Test
    void templatesWithoutBothPartsAreRefused() {
        assertEquals(Optional.empty(), TaughtPrompts.problem("{{}}{prompt}{privileged_context}"));
        for (String template :
                List.of("{prompt}", "{privileged_context}", "{prompt}{privileged_context}{x}")) {
            assertTrue(TaughtPrompts.problem(template).isPresent(), template);
        }
        SdftConfig sampled =
                SdftConfig.defaults()
                        .withLoss(
                                l ->
                                        l.withDistillationMode(
                                                SelfDistillationConfig.Mode.SAMPLED_TOKEN));
        assertEquals(1, sampled.loss().crossFieldProblems().size());
    }
}
