package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.prepare.PackingStrategy;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.PrmMethod;
import org.attune.trainers.scoring.RewardMethod;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.BcoMethod;
import org.attune.trainers.unpaired.KtoConfig;
import org.attune.trainers.unpaired.KtoLossType;
import org.attune.trainers.unpaired.KtoMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

class RunConfigReaderTest {
    private static final String NEEDED =
            """
            model_name_or_path: model
            datasets: train.jsonl
            output_dir: out
            """;

    @TempDir Path folder;
    private final RunConfigReader reader = new RunConfigReader();

    private Path file(String yaml) throws IOException {
        return Files.writeString(folder.resolve("run.yaml"), yaml);
    }

    private SftConfig sft(String yaml, String... overrides) throws IOException {
        return reader.read(new SftMethod(), file(yaml), List.of(overrides)).config();
    }

    private String sftProblems(String yaml, String... overrides) {
        return assertThrows(ConfigException.class, () -> sft(yaml, overrides)).getMessage();
    }

    private static Path resource(String name) {
        return Path.of(System.getProperty("attune.root", ".."))
                .resolve("cli/src/test/resources/org/attune/cli/config")
                .resolve(name)
                .toAbsolutePath();
    }

    @Test
    void whatIsNotSetHasItsDefault() throws IOException {
        SftConfig config = sft(NEEDED);
        SftConfig defaults = SftConfig.defaults();
        assertEquals("model", config.model().modelNameOrPath());
        assertEquals(List.of(DatasetSpec.of("train.jsonl")), config.data().datasets());
        assertEquals(Path.of("out"), config.training().save().outputDir());
        assertEquals(defaults.lora(), config.lora());
        assertEquals(defaults.training().optimizer(), config.training().optimizer());
    }

    @Test
    void argumentsWinAndAreYaml() throws IOException {
        SftConfig config =
                sft(
                        NEEDED + "learning_rate: 1\nmax_length: 7\n",
                        "learning_rate=1e-4",
                        "max_length=null",
                        "lora_target_modules=[q_proj, v_proj]",
                        "--max_steps=3",
                        "resume=true");
        assertEquals(1e-4, config.training().optimizer().learningRate());
        assertEquals(OptionalInt.empty(), config.length().maxLength());
        assertEquals(List.of("q_proj", "v_proj"), config.lora().loraTargetModules());
        assertEquals(OptionalInt.of(3), config.training().schedule().maxSteps());
        assertEquals(new Resume.Latest(), config.training().save().resume());
    }

    @Test
    void allProblemsAreReportedAtOnceWithTheirLines() {
        String message =
                sftProblems(
                        """
                        model_name_or_path: model
                        datasets: train.jsonl
                        learning_rat: 1e-4
                        lora_r: 0
                        max_length: long
                        discopop_tau: 0.2
                        packing: true
                        packing: false
                        push_to_hub_token: t
                        eval_strategy: sometimes
                        datasets_typo_far_from_everything: 1
                        """,
                        "warmup_steps=-1",
                        "nonsense");
        String expected =
                """
                11 problems:
                  run.yaml:8: packing: given twice (first in line 7); keep one
                  argument nonsense: accepted: key=value or --key value, such as learning_rate=1e-4
                  run.yaml:3: learning_rat: 1e-4; unknown key; did you mean learning_rate?
                  run.yaml:6: discopop_tau: 0.2; a key of dpo, not of sft
                  run.yaml:9: push_to_hub_token: t; refused: use hub_token
                  run.yaml:11: datasets_typo_far_from_everything: 1; unknown key; attune keys lists all keys
                  run.yaml:5: max_length: long; accepted: a whole number
                  run.yaml:10: eval_strategy: sometimes; accepted: no, steps, epoch
                  run.yaml:4: lora_r: 0; accepted: a whole number >= 1
                  argument warmup_steps=-1: warmup_steps: -1.0; accepted: a finite number >= 0\
                """;
        assertEquals(
                expected.lines().skip(1).sorted().toList(),
                message.lines().skip(1).sorted().toList());
        assertTrue(message.startsWith("10 problems:"), message);
    }

    @Test
    void whatIsMissingIsNamed() {
        String message = sftProblems("seed: 1\n");
        assertTrue(message.contains("run.yaml: model_name_or_path: missing"), message);
        assertTrue(message.contains("run.yaml: datasets: []"), message);
    }

    @Test
    void brokenYamlSaysWhere() {
        String message = sftProblems("seed: 1\nlora_r: [1, 2\nmax_steps: 3\n");
        assertTrue(message.matches("(?s)run.yaml:\\d+: not YAML: .*"), message);
        assertTrue(sftProblems("- a\n- b\n").contains("run.yaml:1"));
        String missing =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new SftMethod(),
                                                folder.resolve("none.yaml"),
                                                List.of()))
                        .getMessage();
        assertTrue(missing.contains("there is no such file"), missing);
    }

    @Test
    void datasetsAreOnePathSeveralOrObjects() throws IOException {
        SftConfig config =
                sft(
                        """
                        model_name_or_path: model
                        output_dir: out
                        datasets:
                          - a.jsonl
                          - path: b.json
                            type: alpaca
                            split: test
                            columns: {question: prompt}
                        """);
        assertEquals(DatasetSpec.of("a.jsonl"), config.data().datasets().getFirst());
        assertEquals(
                DatasetSpec.of("b.json")
                        .withType("alpaca")
                        .withSplit("test")
                        .withColumns(Map.of("question", "prompt")),
                config.data().datasets().getLast());
        assertTrue(
                sftProblems(NEEDED, "datasets=[{path: a, split: 'a[1'}]")
                        .contains("datasets[0].split: a[1; accepted: train, test[:100]"));
        String wrong = sftProblems("datasets: [{path: a, splits: b}]\n");
        assertTrue(
                wrong.contains("run.yaml:1: datasets[0].splits: unknown; accepted: one of path"),
                wrong);
    }

    @Test
    void otherSpellingsOfTrlAreUnderstood() throws IOException {
        SftConfig config =
                sft(
                        """
                        model_name_or_path: model
                        output_dir: out
                        dataset_name: trl-lib/Capybara
                        dataset_config: small
                        dataset_train_split: train[:10%]
                        eval_strategy: steps
                        resume_from_checkpoint: out/checkpoint-3
                        use_cpu: true
                        bf16: true
                        """);
        DatasetSpec source = DatasetSpec.of("trl-lib/Capybara").withName("small");
        assertEquals(List.of(source.withSplit("train[:10%]")), config.data().datasets());
        assertEquals(List.of(source.withSplit("test")), config.data().evalDatasets());
        assertEquals(
                new Resume.From(Path.of("out/checkpoint-3")), config.training().save().resume());
        assertEquals("cpu", config.model().device());
        assertEquals(DtypeChoice.AUTO, config.model().dtype());
        assertTrue(sftProblems(NEEDED + "dataset_name: x\n").contains("one of dataset_name and"));
        assertTrue(
                sftProblems(NEEDED + "use_cpu: true\ndevice: cuda\n").contains("one of use_cpu"));
    }

    /// `bf16: true` asks for speed, `dtype: bfloat16` for the format.
    @Test
    void bf16IsTheFastFormat() throws IOException {
        Map<String, DtypeChoice> meanings =
                Map.of(
                        "bf16: true", DtypeChoice.AUTO,
                        "bf16: false", DtypeChoice.FLOAT32,
                        "bf16: true\ndtype: float32", DtypeChoice.AUTO,
                        "bf16: true\ndtype: auto", DtypeChoice.AUTO,
                        "bf16: true\ndtype: bfloat16", DtypeChoice.BFLOAT16,
                        "bf16: false\ndtype: bfloat16", DtypeChoice.BFLOAT16,
                        "dtype: bfloat16", DtypeChoice.BFLOAT16);
        for (Map.Entry<String, DtypeChoice> meaning : meanings.entrySet()) {
            assertEquals(
                    meaning.getValue(),
                    sft(NEEDED + meaning.getKey() + "\n").model().dtype(),
                    meaning.getKey());
        }
    }

    @Test
    void bareNoIsAStrategyAndNothingIsUnset() throws IOException {
        SftConfig config =
                sft(
                        NEEDED
                                + "save_strategy: no\n"
                                + "eval_strategy: false\n"
                                + "report_to:\n"
                                + "max_steps: -1\n");
        assertEquals(SaveStrategy.NO, config.training().save().saveStrategy());
        assertEquals(IntervalStrategy.NO, config.training().eval().evalStrategy());
        assertEquals(OptionalInt.empty(), config.training().schedule().maxSteps());
    }

    @Test
    void unknownReportersAreProblemsOfTheirLine() throws IOException {
        assertEquals(
                List.of("tensorboard", "wandb"),
                sft(NEEDED + "report_to: [TensorBoard, wandb, comet_ml]\n")
                        .training()
                        .log()
                        .reportTo());
        String problems = sftProblems(NEEDED + "report_to: wandbb\nlearning_rate: -1\n");
        assertTrue(problems.contains("2 problems"), problems);
        assertTrue(
                problems.contains(
                        "run.yaml:4: report_to: wandbb; accepted: none, tensorboard, wandb, mlflow,"
                                + " trackio; a tracker is a provider of"),
                problems);
    }

    @Test
    void environmentBlockIsReadOrSaidToHaveNoEffect() throws IOException {
        var loaded =
                reader.read(
                        new SftMethod(),
                        file(NEEDED + "env:\n  HF_HOME: /models\n  OMP_NUM_THREADS: 4\n"),
                        List.of());
        assertEquals(Optional.of("/models"), loaded.environment().get("HF_HOME"));
        assertEquals(1, loaded.notes().size());
        assertTrue(loaded.notes().getFirst().contains("OMP_NUM_THREADS"));
    }

    @Test
    void refusedKeyAtItsDefaultAsksForNothing() throws IOException {
        sft(NEEDED + "load_in_4bit: false\nfp16: no\ndeepspeed: null\nlabel_smoothing_factor: 0\n");
        assertTrue(sftProblems(NEEDED + "fp16: true\n").contains("bf16: true"));
    }

    @Test
    void pastedSftFileRuns() {
        var loaded = reader.read(new SftMethod(), resource("trl-sft.yaml"), List.of());
        SftConfig config = loaded.config();
        assertEquals(2e-4, config.training().optimizer().learningRate());
        assertEquals(PackingStrategy.WRAPPED, config.rows().packingStrategy());
        assertEquals(List.of("tensorboard"), config.training().log().reportTo());
        assertEquals(DtypeChoice.BFLOAT16, config.model().dtype());
        assertEquals(
                List.of("attn_implementation", "dataset_num_proc", "gradient_checkpointing_kwargs"),
                effectless(loaded));
    }

    @Test
    void pastedDpoFileRuns() {
        var loaded = reader.read(new DpoMethod(), resource("trl-dpo.yaml"), List.of());
        DpoConfig config = loaded.config();
        assertEquals(List.of(DpoLossType.SIGMOID, DpoLossType.SFT), config.loss().lossType());
        assertEquals(List.of(1.0, 0.2), config.loss().lossWeights());
        assertEquals(5e-6, config.training().optimizer().learningRate());
        assertEquals(List.of("dataset_num_proc", "torch_compile"), effectless(loaded));
    }

    @Test
    void pastedGrpoFileRunsWithRewards() {
        var loaded =
                reader.read(
                        new GrpoMethod(),
                        resource("trl-grpo.yaml"),
                        List.of("reward_funcs=[gsm8k, {name: regex, pattern: x, weight: 0.5}]"));
        GrpoConfig config = loaded.config();
        assertEquals(4, config.numGenerations());
        assertEquals(0.04, config.loss().beta());
        assertEquals(
                List.of("gsm8k", Map.of("name", "regex", "pattern", "x", "weight", 0.5)),
                config.rewards().rewardFuncs());
        assertTrue(config.completionLog().logCompletions());
        assertEquals(List.of("use_vllm"), effectless(loaded));
    }

    @Test
    void recordedRolloutsNeedNoRewardsUnlessRowsAreHeldOut() {
        Path file = resource("trl-grpo.yaml");
        var loaded = reader.read(new GrpoMethod(), file, List.of("recorded_rollouts=r.jsonl"));
        assertEquals(
                Optional.of(Path.of("r.jsonl")), loaded.config().rollouts().recordedRollouts());
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new GrpoMethod(),
                                                file,
                                                List.of(
                                                        "recorded_rollouts=r.jsonl",
                                                        "record_rollouts=r.jsonl",
                                                        "rollout_server_base_url=localhost:80",
                                                        "test_split_size=0.1")))
                        .getMessage();
        assertTrue(message.contains("addresses such as http://localhost:8000/v1"), message);
        assertTrue(message.contains("completions have one source"), message);
        assertTrue(message.contains("another file than recorded_rollouts"), message);
        assertTrue(message.contains("judge no held-out rows"), message);
    }

    @Test
    void grpoWithoutRewardsSaysWhatTheyAre() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new GrpoMethod(),
                                                resource("trl-grpo.yaml"),
                                                List.of()))
                        .getMessage();
        assertTrue(message.contains("reward_funcs"), message);
    }

    @Test
    void greedyEvaluationHasOneCompletionForAPrompt() {
        List<String> greedy = List.of("reward_funcs=gsm8k", "eval_temperature=0");
        GrpoConfig config =
                reader.read(new GrpoMethod(), resource("trl-grpo.yaml"), greedy).config();
        assertEquals(1, config.heldOut().generations(config));
        assertEquals(0, config.heldOut().temperature(config));
        GrpoConfig asTrained =
                reader.read(
                                new GrpoMethod(),
                                resource("trl-grpo.yaml"),
                                List.of("reward_funcs=gsm8k"))
                        .config();
        assertEquals(4, asTrained.heldOut().generations(asTrained));
        assertEquals(0.9, asTrained.heldOut().temperature(asTrained));
        List<String> more = new ArrayList<>(greedy);
        more.add("num_generations_eval=4");
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new GrpoMethod(), resource("trl-grpo.yaml"), more))
                        .getMessage();
        assertTrue(message.contains("num_generations_eval: 4"), message);
        assertTrue(message.contains("eval_temperature is 0"), message);
    }

    @Test
    void pastedRewardFileRuns() {
        var loaded = reader.read(new RewardMethod(), resource("trl-reward.yaml"), List.of());
        RewardTrainerConfig config = loaded.config();
        assertEquals(OptionalInt.of(2048), config.loss().maxLength());
        assertEquals(OptionalDouble.of(0.01), config.loss().centerRewardsCoefficient());
        assertEquals(0.1, config.training().schedule().warmupSteps());
        assertEquals(DtypeChoice.AUTO, config.model().dtype());
        assertEquals(
                List.of(
                        "dataset_num_proc",
                        "lora_task_type",
                        "pad_to_multiple_of",
                        "trust_remote_code"),
                effectless(loaded));
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new RewardMethod(),
                                                resource("trl-reward.yaml"),
                                                List.of("beta=0.1")))
                        .getMessage();
        assertTrue(message.contains("beta: 0.1; a key of dpo and grpo and "), message);
    }

    @Test
    void pastedPrmFileRuns() {
        var loaded = reader.read(new PrmMethod(), resource("trl-prm.yaml"), List.of());
        PrmConfig config = loaded.config();
        assertEquals("\n\n", config.steps().stepSeparator());
        assertEquals(OptionalInt.of(2048), config.steps().maxLength());
        assertEquals(OptionalInt.of(1536), config.steps().maxCompletionLength());
        assertEquals(1e-5, config.training().optimizer().learningRate());
        assertEquals(List.of("dataset_num_proc", "lora_task_type"), effectless(loaded));
    }

    @Test
    void pastedBcoFileRuns() {
        var loaded = reader.read(new BcoMethod(), resource("trl-bco.yaml"), List.of());
        BcoConfig config = loaded.config();
        assertEquals(0.05, config.loss().beta());
        assertEquals(OptionalInt.of(2048), config.loss().maxLength());
        assertEquals(5e-7, config.training().optimizer().learningRate());
        assertEquals(
                SamplingStrategy.SEQUENTIAL, config.training().batch().trainSamplingStrategy());
        assertEquals(
                List.of(
                        "dataset_num_proc",
                        "max_density_ratio",
                        "min_density_ratio",
                        "prompt_sample_size",
                        "remove_unused_columns"),
                effectless(loaded));
    }

    @Test
    void pastedKtoFileRuns() {
        var loaded = reader.read(new KtoMethod(), resource("trl-kto.yaml"), List.of());
        KtoConfig config = loaded.config();
        assertEquals(KtoLossType.APO_ZERO_UNPAIRED, config.loss().lossType());
        assertEquals(1.33, config.loss().undesirableWeight());
        assertEquals(64, config.reference().sync().refModelSyncSteps());
        assertEquals(0.6, config.reference().sync().refModelMixupAlpha());
        assertEquals(
                SamplingStrategy.SEQUENTIAL, config.training().batch().trainSamplingStrategy());
        assertEquals(List.of("dataset_num_proc", "precompute_ref_batch_size"), effectless(loaded));
    }

    @Test
    void distributionMatchingIsRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new BcoMethod(),
                                                resource("trl-bco.yaml"),
                                                List.of("embedding_func=nomic", "beta=-1")))
                        .getMessage();
        assertTrue(message.contains("underlying distribution matching"), message);
        assertTrue(message.contains("beta"), message);
    }

    private static List<String> effectless(LoadedRun<?> loaded) {
        return loaded.notes().stream()
                .map(n -> n.replaceFirst("^\\S+: (\\S+) has no effect.*", "$1"))
                .sorted()
                .toList();
    }

    @Test
    void resolvedDefaultsReadBack() throws IOException {
        SftConfig config = sft(NEEDED);
        assertEquals(config, sft(ResolvedConfig.yaml(config)));
    }
}
