package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.distillation.DistillationConfig;
import org.attune.trainers.distillation.DistillationMethod;
import org.attune.trainers.distillation.GkdConfig;
import org.attune.trainers.distillation.GkdMethod;
import org.attune.trainers.distillation.SdftConfig;
import org.attune.trainers.distillation.SdftMethod;
import org.attune.trainers.distillation.SdpoConfig;
import org.attune.trainers.distillation.SdpoMethod;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.grpo.RlooConfig;
import org.attune.trainers.grpo.RlooMethod;
import org.attune.trainers.online.NashMdConfig;
import org.attune.trainers.online.NashMdMethod;
import org.attune.trainers.online.OnlineDpoConfig;
import org.attune.trainers.online.OnlineDpoMethod;
import org.attune.trainers.online.XpoConfig;
import org.attune.trainers.online.XpoMethod;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.PpoMethod;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.referencefree.CpoConfig;
import org.attune.trainers.referencefree.CpoMethod;
import org.attune.trainers.referencefree.OrpoConfig;
import org.attune.trainers.referencefree.OrpoMethod;
import org.attune.trainers.referencefree.TpoConfig;
import org.attune.trainers.referencefree.TpoMethod;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.PrmMethod;
import org.attune.trainers.scoring.RewardMethod;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.BcoMethod;
import org.attune.trainers.unpaired.KtoConfig;
import org.attune.trainers.unpaired.KtoMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Every key of every method reaches its place in the configuration.
class EveryKeyTest {
    @TempDir Path folder;
    private final RunConfigReader reader = new RunConfigReader();

    private static Path resource(String name) {
        return Path.of(System.getProperty("attune.root", ".."))
                .resolve("cli/src/test/resources/org/attune/cli/config")
                .resolve(name)
                .toAbsolutePath();
    }

    @Test
    void everyKeyOfOnlineMethodsMaps() throws IOException {
        everyKeyMaps(
                new OnlineDpoMethod(),
                OnlineDpoConfig.defaults(),
                "every-online_dpo.yaml",
                "sync_ref_model=true",
                "neftune_noise_alpha=0",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
        everyKeyMaps(
                new XpoMethod(),
                XpoConfig.defaults(),
                "every-xpo.yaml",
                "sync_ref_model=true",
                "neftune_noise_alpha=0",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
        everyKeyMaps(
                new NashMdMethod(),
                NashMdConfig.defaults(),
                "every-nash_md.yaml",
                "sync_ref_model=true",
                "neftune_noise_alpha=0",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
    }

    @Test
    void everyKeyOfDistillationMaps() throws IOException {
        everyKeyMaps(
                new GkdMethod(),
                GkdConfig.defaults(),
                "every-gkd.yaml",
                "teacher_model_name_or_path=null",
                "teacher_adapter_name_or_path=null",
                "teacher_model_server_url=http://localhost:8000/v1",
                "teacher_server_model=large",
                "seq_kd=false");
        everyKeyMaps(
                new DistillationMethod(),
                DistillationConfig.defaults(),
                "every-distillation.yaml",
                "teacher_model_name_or_path=null",
                "teacher_adapter_name_or_path=null",
                "teacher_model_server_url=http://localhost:8000/v1",
                "teacher_server_model=large",
                "temperature=1",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
    }

    @Test
    void everyKeyOfSelfDistillationMaps() throws IOException {
        everyKeyMaps(
                new SdftMethod(),
                SdftConfig.defaults(),
                "every-sdft.yaml",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
        everyKeyMaps(
                new SdpoMethod(),
                SdpoConfig.defaults(),
                "every-sdpo.yaml",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
    }

    @Test
    void aTokenIsReadAndNotWritten() {
        SftConfig config =
                reader.read(
                                new SftMethod(),
                                SftConfig.defaults(),
                                resource("every-sft.yaml"),
                                List.of("hub_token=hf_secret"))
                        .config();
        assertEquals("hf_secret", config.training().hub().hubToken().orElseThrow().value());
        assertFalse(ResolvedConfig.yaml(config).contains("hf_secret"));
    }

    @Test
    void everyKeyMaps() throws IOException {
        everyKeyMaps(
                new SftMethod(),
                SftConfig.defaults(),
                "every-sft.yaml",
                "loss_type=nll",
                "label_smoothing_factor=0.1");
        everyKeyMaps(new DpoMethod(), DpoConfig.defaults(), "every-dpo.yaml", MOVING);
        everyKeyMaps(new RewardMethod(), RewardTrainerConfig.defaults(), "every-reward.yaml");
        everyKeyMaps(new PrmMethod(), PrmConfig.defaults(), "every-prm.yaml");
        everyKeyMaps(new BcoMethod(), BcoConfig.defaults(), "every-bco.yaml", MOVING);
        everyKeyMaps(new KtoMethod(), KtoConfig.defaults(), "every-kto.yaml", MOVING);
        everyKeyMaps(new OrpoMethod(), OrpoConfig.defaults(), "every-orpo.yaml");
        everyKeyMaps(new CpoMethod(), CpoConfig.defaults(), "every-cpo.yaml");
        everyKeyMaps(new TpoMethod(), TpoConfig.defaults(), "every-tpo.yaml");
    }

    @Test
    void everyKeyOfRolloutsMaps() throws IOException {
        everyKeyMaps(
                new GrpoMethod(),
                GrpoConfig.defaults(),
                "every-grpo.yaml",
                "sync_ref_model=true",
                "replay_buffer_size=0",
                "scale_rewards=group",
                "multi_objective_aggregation=sum_then_normalize",
                "advantage_estimator=leave_one_out",
                "credit=turns",
                "gamma=0.9",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
        everyKeyMaps(
                new RlooMethod(),
                RlooConfig.defaults(),
                "every-rloo.yaml",
                "sync_ref_model=true",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl");
        everyKeyMaps(
                new PpoMethod(),
                PpoConfig.defaults(),
                "every-ppo.yaml",
                "sync_ref_model=true",
                "rollout_server_base_url=null",
                "rollout_server_model=null",
                "recorded_rollouts=recorded.jsonl",
                "stop_token=eos",
                "stop_token_id=3",
                "value_model=separate",
                "value_use_peft=true",
                "lisa_n_layers=null", // these three accepted as such only
                "lisa_step_interval=20",
                "optimizer_in_bwd=false");
    }

    /// A reference that moves is not precomputed.
    private static final String[] MOVING = {
        "sync_ref_model=true", "precompute_ref_log_probs=false"
    };

    /// What cannot stand beside the rest with any method.
    private static final List<String> APART =
            List.of(
                    "probabilities=[0.7, 0.3]",
                    "stopping_strategy=all_exhausted",
                    "warmup_steps=0",
                    "warmup_ratio=0.1",
                    "use_peft=false",
                    "adapter_name_or_path=null",
                    "unfrozen_parameters=[model.norm]",
                    "lisa_n_layers=null",
                    "lisa_step_interval=20",
                    "max_grad_norm=0",
                    "streaming=false",
                    "optimizer_in_bwd=true",
                    "streaming=false",
                    "logical_devices=null",
                    "load_best_model_at_end=true",
                    "save_strategy=best");

    /// Blocks that learn in turn, and what cannot stand beside them.
    private static final List<String> DRAWN =
            List.of(
                    "unfrozen_parameters=[]",
                    "lisa_n_layers=3",
                    "lisa_step_interval=7",
                    "optim=adamw_torch",
                    "optim_args=null",
                    "optimizer_in_bwd=false",
                    "zero_stage=0",
                    "bema=false",
                    "sync_ref_model=false");

    /// Tools and environments, and what is refused without; they have no server beside them.
    private static final List<String> AGENT =
            List.of(
                    "tools=[tools/Shop.java]",
                    "environments={counter: env/Counter.java}",
                    "max_turns=5",
                    "max_tool_calls=6",
                    "max_sampled_tokens=70",
                    "max_turn_tokens=30",
                    "max_result_tokens=40",
                    "max_consecutive_errors=2",
                    "episode_timeout=20.5",
                    "tool_timeout=2.5",
                    "history=template",
                    "max_tool_calling_iterations=4",
                    "episode_retries=1",
                    "max_failed_episodes=0.1",
                    "episodes_in_flight=12",
                    "tool_steps=3",
                    "mask_ended=[turn_cut, timeout]",
                    "recorded_world=episodes.jsonl",
                    "recorded_world_miss=end");

    /// Servers that load the adapter, which is a plain one then.
    private static final List<String> SERVED =
            List.of(
                    "rollout_server_adapter_dir=adapters",
                    "use_dora=false",
                    "peft_type=lora",
                    "lora_modules_to_save=[]",
                    "feedforward_modules=[]",
                    "lora_rank_pattern={}",
                    "lora_alpha_pattern={}");

    /// Rounds written ahead, by this run alone, which can constrain them.
    private static final List<String> AHEAD =
            List.of(
                    "rollout_lag=1",
                    "rollout_ranks=2",
                    "max_staleness=3",
                    "max_inflight_tasks=64",
                    "weight_sync_steps=2",
                    "queue_maxsize=2048",
                    "keep_sampling_mask=false",
                    "vllm_structured_outputs_regex='[a-z]{1,30}'",
                    "rollout_server_base_url=null",
                    "rollout_server_model=null",
                    "dynamic_sampling=false");

    /// What is known of completions of this run alone, by a sampler that only leaves tokens out.
    private static final List<String> MASKED =
            List.of(
                    "keep_sampling_mask=true",
                    "repetition_penalty=1",
                    "rollout_server_base_url=null",
                    "rollout_server_model=null");

    /// What a teacher said, in rows, needs no other teacher and no other completions.
    private static final List<String> TOLD =
            List.of(
                    "teacher_logprobs_from_rows=true",
                    "lmbda=0",
                    "seq_kd=false",
                    "teacher_model_name_or_path=null",
                    "teacher_adapter_name_or_path=null");

    /// Teachers of domains have their rows, and no other teacher beside them.
    private static final List<String> TAUGHT =
            List.of(
                    "teacher_models={math: teacher, code: lessons}",
                    "teacher_weights={math: 2}",
                    "teacher_model_name_or_path=null",
                    "teacher_model_revision=null",
                    "teacher_adapter_name_or_path=null",
                    "seq_kd=false");

    /// Teachers of domains on servers have nothing of a model here.
    private static final List<String> TAUGHT_BY_SERVERS =
            List.of(
                    "teacher_server_urls={math: http://localhost:1, code: http://localhost:2}",
                    "loss_add_tail=false",
                    "temperature=1",
                    "teacher_model_name_or_path=null",
                    "teacher_model_revision=null",
                    "teacher_adapter_name_or_path=null",
                    "seq_kd=false");

    /// A teacher with another tokenizer writes nothing.
    private static final List<String> ACROSS = List.of("use_uld_loss=true", "seq_kd=false");

    /// The weighted objective has one divergence.
    private static final List<String> WEIGHTED = List.of("distillation_objective=iw_opd", "beta=1");

    /// A program that leads the episodes brings its tools itself.
    private static final List<String> PROGRAM = List.of("agent={command: [my-agent]}");

    private static List<String> drawn(
            TrainingMethod<?, ?> method, List<String> apart, Map<String, Object> known) {
        if (method instanceof PpoMethod) {
            return List.of(); // refused
        }
        List<String> keys = DRAWN.stream().map(word -> word.split("=", 2)[0]).toList();
        var drawn = new ArrayList<String>(apart);
        drawn.removeIf(word -> keys.contains(word.split("=", 2)[0]));
        drawn.addAll(known(DRAWN, known));
        return drawn;
    }

    private static List<String> known(List<String> words, Map<String, Object> keys) {
        return words.stream().filter(word -> keys.containsKey(word.split("=", 2)[0])).toList();
    }

    /// A file in which every key differs from its default must change every component, and the
    /// resolved configuration must give the same records again.
    private <T extends Record> void everyKeyMaps(
            TrainingMethod<?, ?> method, T defaults, String name, String... apart)
            throws IOException {
        Map<String, Object> before = ResolvedConfig.flat(defaults);
        var same = new ArrayList<>(before.keySet());
        // What cannot stand beside the rest comes in a second reading.
        var second = new ArrayList<>(APART);
        second.addAll(before.containsKey("tools") ? AGENT : List.of());
        for (String override : apart) {
            String key = override.substring(0, override.indexOf('=') + 1);
            if (second.removeIf(o -> o.startsWith(key))) {
                same.remove(key.substring(0, key.length() - 1));
            }
        }
        second.addAll(List.of(apart));
        var third = new ArrayList<>(second);
        third.removeAll(AGENT);
        List<String> drawn = drawn(method, third, before);
        third.replaceAll(
                word ->
                        word.startsWith("unfrozen_parameters")
                                ? "spectrum_top_fraction=0.5"
                                : word);
        third.addAll(before.containsKey("tools") ? PROGRAM : List.of());
        List<String> served = before.containsKey("rollout_server_adapter_dir") ? SERVED : List.of();
        List<String> ahead = known(AHEAD, before);
        List<String> masked = before.containsKey("keep_sampling_mask") ? MASKED : List.of();
        List<String> told =
                before.containsKey("lmbda")
                        ? TOLD
                        : before.containsKey("iw_opd_gamma") ? WEIGHTED : List.of();
        List<String> across = before.containsKey("use_uld_loss") ? ACROSS : List.of();
        List<String> taught = known(TAUGHT, before);
        List<String> byServers =
                before.containsKey("teacher_server_urls")
                        ? known(TAUGHT_BY_SERVERS, before)
                        : List.of();
        for (var overrides :
                List.of(
                        List.<String>of(),
                        second,
                        third,
                        drawn,
                        served,
                        ahead,
                        masked,
                        told,
                        across,
                        taught,
                        byServers)) {
            T config = reader.read(method, defaults, resource(name), overrides).config();
            Map<String, Object> after = ResolvedConfig.flat(config);
            same.removeIf(key -> !Objects.equals(before.get(key), after.get(key)));
            Path resolved =
                    Files.writeString(folder.resolve("run.yaml"), ResolvedConfig.yaml(config));
            assertEquals(config, reader.read(method, defaults, resolved, List.of()).config());
        }
        same.remove("hub_token"); // aTokenIsReadAndNotWritten
        assertEquals(List.of(), same, "keys of " + name + " that changed nothing");
    }
}
