package org.attune.cli;

import org.attune.cli.config.RunConfigReader;
import org.attune.hub.HubDownload;
import org.attune.ranks.Collective;
import org.attune.ranks.Launched;
import org.attune.ranks.RankSum;
import org.attune.ranks.ServingCollective;
import org.attune.ranks.SingleProcess;
import org.attune.ranks.mpi.MpiCollective;
import org.attune.ranks.mpi.RankCarrier;
import org.attune.ranks.mpi.SimulatedGpus;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.run.Methods;
import org.attune.trainers.run.Runs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Runs of two steps of all methods on the embedded model, one after the other, as the only process
/// or as one that `mpirun` started, for [RankMethodsTest].
final class RankedMethods {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples").toAbsolutePath();
    private static final String MODEL = EXAMPLES.resolve("model").toString();
    private static final Path RECORDED =
            EXAMPLES.resolveSibling("trainers/src/test/resources/recorded/model");
    private static final String CALCULATOR = "tools={name: calculator, as: calc}";

    /// Property that says `nccl` where its stand-in carries numbers between simulated GPUs.
    static final String CARRIER = "attune.test.carrier";

    private RankedMethods() {}

    /// @param method its name
    /// @param words of its configuration beside those of all
    record Run(String method, List<String> words) {
        static Run of(String method, String... words) {
            return new Run(method, List.of(String.join(" ", words).split(" (?=[a-z_]+=)")));
        }
    }

    /// By name.
    ///
    /// @param folder that has the rows of [#rows]
    static Map<String, Run> all(Path folder) {
        Map<String, Run> runs = ofRows(folder);
        runs.putAll(ofGroups(folder));
        String prompts = datasets(folder, "prompts");
        String judged = "reward_funcs=exact_answer";
        String few = "max_new_tokens=8";
        String teacher = "teacher_model_name_or_path=" + MODEL;
        runs.put("online_dpo", Run.of("online_dpo", prompts, judged, few));
        runs.put("xpo", Run.of("xpo", prompts, judged, few));
        runs.put("nash_md", Run.of("nash_md", prompts, judged, few));
        String ppo = "num_mini_batches=2 max_completion_length=8";
        runs.put("ppo", Run.of("ppo", prompts, judged, ppo, "value_model=lora"));
        runs.put("ppo_head", Run.of("ppo", prompts, judged, ppo, "value_model=head"));
        String texts = datasets(folder, "texts");
        runs.put("gkd", Run.of("gkd", texts, teacher, few, "lmbda=0.5 seq_kd=true"));
        String other =
                "teacher_model_name_or_path="
                        + EXAMPLES.resolveSibling(
                                "trainers/src/test/resources/recorded/gold/teacher-model");
        runs.put(
                "gkd_across",
                Run.of(
                        "gkd",
                        texts,
                        other,
                        few,
                        "lmbda=0.5 use_uld_loss=true uld_use_hybrid_loss=true",
                        "uld_crossentropy_weight=0.1 num_generations=2 top_p=0.9 top_k=20"));
        runs.put(
                "gkd_tools",
                Run.of(
                        "gkd",
                        texts,
                        teacher,
                        few,
                        "lmbda=0.5 seq_kd=true",
                        CALCULATOR,
                        "tool_protocol=line"));
        runs.put(
                "distillation",
                Run.of(
                        "distillation",
                        prompts,
                        "teacher_models={near: %s, far: %s}".formatted(MODEL, RECORDED),
                        "teacher_weights={far: 2} teacher_column=domain max_completion_length=8"));
        return runs;
    }

    private static String datasets(Path folder, String name) {
        return "datasets=" + folder.resolve(name + ".jsonl");
    }

    private static Map<String, Run> ofRows(Path folder) {
        Map<String, Run> runs = new LinkedHashMap<>();
        String pairs = datasets(folder, "triples");
        String task = "eval_tasks=[{task: number-sorting, n: 5, max_new_tokens: 8}]";
        runs.put("sft", Run.of("sft", datasets(folder, "texts")));
        runs.put("dpo", Run.of("dpo", pairs, "precompute_ref_log_probs=true"));
        for (String method : List.of("kto", "bco", "reward", "cpo", "tpo")) {
            runs.put(method, Run.of(method, pairs));
        }
        runs.put("orpo", Run.of("orpo", pairs, task));
        runs.put("prm", Run.of("prm", datasets(folder, "stepwise")));
        runs.put(
                "sft_pictures",
                Run.of(
                        "sft",
                        "model_name_or_path=" + EXAMPLES.resolve("look"),
                        datasets(folder, "pictures"),
                        "lora_target_modules=.*text_model.*_proj",
                        "image_cache_dir=" + folder.resolve("features-SIZE")));
        return runs;
    }

    private static Map<String, Run> ofGroups(Path folder) {
        Map<String, Run> runs = new LinkedHashMap<>();
        String prompts = datasets(folder, "prompts");
        String judged = "reward_funcs=exact_answer";
        String group = "num_generations=2 max_completion_length=8";
        String file = "rollouts=" + folder.resolve("rollouts-SIZE.jsonl");
        String guess = "environments={guess: " + EXAMPLES.resolve("agents/GuessNumber.java") + "}";
        runs.put("grpo", Run.of("grpo", prompts, judged, group, "record_" + file));
        runs.put(
                "grpo_ahead",
                Run.of("grpo", prompts, judged, group, "rollout_lag=1 rollout_ranks=1"));
        runs.put("grpo_recorded", Run.of("grpo", prompts, group, "recorded_" + file));
        runs.put(
                "grpo_tools",
                Run.of("grpo", prompts, judged, group, CALCULATOR, "tool_protocol=line"));
        runs.put("grpo_environments", Run.of("grpo", prompts, group, guess));
        runs.put("rloo", Run.of("rloo", prompts, judged, group));
        return runs;
    }

    /// Writes a few rows of each kind.
    static void rows(Path folder) throws IOException {
        List<String> texts = new ArrayList<>();
        List<String> prompts = new ArrayList<>();
        List<String> triples = new ArrayList<>();
        List<String> stepwise = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            String prompt =
                    "\"prompt\": [{\"role\": \"user\", \"content\": \"Sort ascending: 7 %d\"}]"
                            .formatted(i % 7);
            String right = answer("%d 7".formatted(i % 7) + (i % 3 == 0 ? " 7" : ""));
            String wrong = answer("7 %d".formatted(i % 7));
            prompts.add(
                    "{%s, \"answer\": \"%d 7\", \"domain\": \"%s\"}"
                            .formatted(prompt, i % 7, i % 3 == 0 ? "near" : "far"));
            texts.add("{%s, \"completion\": %s}".formatted(prompt, right));
            triples.add(
                    "{%s, \"chosen\": %s, \"rejected\": %s, \"reference\": %s}"
                            .formatted(prompt, right, wrong, right));
            stepwise.add(
                    "{\"prompt\": \"7 %d\", \"completions\": [\"%d\", \"7\"], \"labels\": [true, %s]}"
                            .formatted(i, i, i % 2 == 0));
        }
        Files.write(folder.resolve("pictures.jsonl"), pictures());
        Files.write(folder.resolve("texts.jsonl"), texts);
        Files.write(folder.resolve("prompts.jsonl"), prompts);
        Files.write(folder.resolve("triples.jsonl"), triples);
        Files.write(folder.resolve("stepwise.jsonl"), stepwise);
    }

    /// Rows with pictures of digits, and what they show as completions.
    static List<String> pictures() throws IOException {
        Path heldOut = EXAMPLES.resolve("quickstart/look-heldout.jsonl");
        String completion = "\"completion\":[{\"role\":\"assistant\",\"content\":$1}]";
        return Files.readAllLines(heldOut).stream()
                .limit(16)
                .map(row -> row.replaceFirst("\"answer\":(\"[^\"]*\")", completion))
                .toList();
    }

    private static String answer(String text) {
        return "[{\"role\": \"assistant\", \"content\": \"%s\"}]".formatted(text);
    }

    /// @param arguments folder of rows, folder of results, names of runs, further words
    static void main(String... arguments) {
        Path folder = Path.of(arguments[0]);
        Path output = Path.of(arguments[1]);
        List<String> words = List.of(arguments).subList(3, arguments.length);
        Optional<Launched> launched = Launched.by(System.getenv()).filter(Launched::isParallel);
        try (Collective ranks =
                launched.isEmpty()
                        ? new SingleProcess()
                        : Engine.call(() -> join(launched.get()))) {
            Collective serving =
                    words.contains("zero_stage=3") ? new ServingCollective(ranks) : ranks;
            all(folder)
                    .forEach(
                            (name, run) -> {
                                if (List.of(arguments[2].split(",")).contains(name)) {
                                    train(run, output.resolve(name), words, serving);
                                }
                            });
            Engine.run(ranks::close);
        }
    }

    private static Collective join(Launched launched) {
        var mpi = MpiCollective.join(launched, System.getenv(), RankSum.FIXED);
        return "nccl".equals(System.getProperty(CARRIER))
                ? SimulatedGpus.join(mpi, mpi.place(), RankSum.FIXED)
                : RankCarrier.join(mpi, Device.parse("auto"), Optional.empty(), RankSum.FIXED)
                        .ranks();
    }

    private static void train(Run run, Path output, List<String> words, Collective ranks) {
        List<String> all = words(run, output);
        all.addAll(words);
        train(Methods.named(run.method()).orElseThrow(), output, all, ranks);
    }

    private static <C extends Record & RunConfig> void train(
            TrainingMethod<C, ?> method, Path output, List<String> words, Collective ranks) {
        C config = new RunConfigReader().read(method, Path.of(""), words).found().config();
        new Runs(
                        HubDownload.cache(),
                        List.of(new MetricsFile(output)),
                        new StopSignal(),
                        ranks,
                        Optional.empty())
                .train(config);
    }

    /// Its configuration.
    static List<String> words(Run run, Path output) {
        List<String> all = new ArrayList<>(common(output));
        String size = output.getParent().getFileName().toString();
        run.words().forEach(word -> all.add(word.replace("SIZE", size)));
        return all;
    }

    private static List<String> common(Path output) {
        return List.of(
                "model_name_or_path=" + MODEL,
                "output_dir=" + output,
                "use_peft=true",
                "lora_r=4",
                "lora_target_modules=all-linear",
                "dtype=float32",
                "seed=3",
                "per_device_train_batch_size=2",
                "logical_devices=2",
                "tokens_per_micro_batch=96",
                "max_steps=2",
                "learning_rate=1e-3",
                "logging_steps=1",
                "save_strategy=steps",
                "save_steps=1",
                "check_ranks_steps=1",
                "gradient_checkpointing=false");
    }
}
