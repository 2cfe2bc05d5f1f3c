package org.attune.trainers.loop;

import org.attune.error.ConfigException;
import org.attune.error.Secrets;
import org.attune.hash.Sha256;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.examples.UnpairedExample;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/// Texts by which a run, its configuration and its data are told from others.
public final class Fingerprints {
    /// Keys that may change between an interrupted run and its continuation. They say where files
    /// are, what is reported, when something is saved, and how (not what) is computed. Data and
    /// model are compared by content.
    private static final Set<String> FREE =
            Set.of(
                    "output_dir",
                    "save_strategy",
                    "save_steps",
                    "save_total_limit",
                    "resume",
                    "logging_strategy",
                    "logging_steps",
                    "logging_first_step",
                    "report_to",
                    "log_completions",
                    "num_completions_to_print",
                    "log_unique_prompts",
                    "run_name",
                    "project",
                    "push_to_hub",
                    "hub_model_id",
                    "hub_strategy",
                    "hub_token",
                    "hub_private_repo",
                    "hub_revision",
                    "hub_always_push",
                    "eval_strategy",
                    "eval_steps",
                    "eval_on_start",
                    "eval_delay",
                    "eval_tasks",
                    "per_device_eval_batch_size",
                    "gradient_checkpointing",
                    "max_memory",
                    "optimizer_in_bwd",
                    "check_ranks_steps",
                    "ddp_backend",
                    "ddp_timeout",
                    "zero_stage",
                    "share_frozen",
                    "precompute_ref_cache_dir",
                    "image_cache_dir",
                    "device",
                    "datasets",
                    "eval_datasets",
                    "streaming", // and the next: part of the rows' own fingerprint
                    "shuffle_buffer_size",
                    "test_split_size",
                    "on_bad_row",
                    "unused_columns",
                    "model_name_or_path",
                    "model_revision",
                    "adapter_name_or_path",
                    "ref_model_name_or_path",
                    "value_model_path",
                    "teacher_model_name_or_path",
                    "teacher_model_revision",
                    "teacher_adapter_name_or_path",
                    "teacher_models", // their weights are compared by content
                    "teacher_model_server_url",
                    "teacher_server_timeout",
                    "teacher_server_concurrency",
                    "chat_template_path",
                    "max_failed_episodes",
                    "max_prompt_length", // the prompts that it leaves are told apart themselves
                    "recorded_rollouts",
                    "record_rollouts",
                    "rollout_server_base_url",
                    "rollout_server_adapter_dir",
                    "rollout_server_timeout",
                    "rollout_server_concurrency",
                    "rollout_ranks",
                    "reward_timeout",
                    "reward_parallelism",
                    "on_reward_failure");

    /// Keys that say how long a run lasts: it may become longer when it is continued. Its learning
    /// rates are then those of the longer run from there on.
    static final Set<String> LENGTH = Set.of("max_steps", "num_train_epochs", "total_episodes");

    private static final Set<String> ONE_DEVICE = Set.of("OptionalInt.empty", "OptionalInt[1]");

    private Fingerprints() {}

    /// The keys of a configuration that change a run's numbers, flat, with their values.
    static Map<String, String> ofConfig(Record config) {
        Map<String, String> flat = new TreeMap<>();
        collect(config, flat);
        flat.keySet().removeAll(FREE);
        // Of one device as if the key didn't exist.
        flat.computeIfPresent(
                ResumePoint.DEVICES,
                (_, asked) -> ONE_DEVICE.contains(asked) ? null : asked.replaceAll("\\D", ""));
        return flat;
    }

    private static void collect(Record config, Map<String, String> flat) {
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            Object value = read(config, component);
            String key = ConfigNames.key(component.getName());
            if (value instanceof Record part && !FREE.contains(key)) {
                collect(part, flat);
            } else {
                boolean named = value instanceof Enum<?>;
                flat.put(
                        key,
                        named ? ConfigNames.wireName((Enum<?>) value) : Secrets.masked("" + value));
            }
        }
    }

    private static Object read(Record config, RecordComponent component) {
        try {
            return component.getAccessor().invoke(config);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(component + " can't be read", e);
        }
    }

    /// The fingerprint of rows: of all of them, or of a stream's files, order and beginning.
    ///
    /// @param known tells rows that are known from others
    public static <R extends TrainingRow> String of(List<R> rows, Function<List<R>, String> known) {
        String own = known.apply(RowStream.known(rows));
        return rows instanceof RowStream<R> stream ? ofText(stream.identity() + own) : own;
    }

    /// Tokens, masks and weights of SFT rows.
    public static String ofRows(List<PackedRow> rows) {
        MessageDigest digest = Sha256.begin();
        for (PackedRow row : rows) {
            put(digest, row.documents().size());
            for (SftExample document : row.documents()) {
                put(digest, document.ids());
                for (boolean counts : document.completionMask()) {
                    digest.update((byte) (counts ? 1 : 0));
                }
                for (float weight : document.weights()) {
                    put(digest, Float.floatToIntBits(weight));
                }
            }
        }
        return hex(digest);
    }

    /// Tokens of preference pairs.
    public static String ofPairs(List<PreferenceExample> pairs) {
        MessageDigest digest = Sha256.begin();
        for (PreferenceExample pair : pairs) {
            put(digest, pair.chosen());
            put(digest, pair.rejected());
        }
        return hex(digest);
    }

    /// Tokens of preference pairs, and which tokens are imitated beside them.
    public static String ofImitations(List<ImitationPair> rows) {
        MessageDigest digest = Sha256.begin();
        for (ImitationPair row : rows) {
            put(digest, row.imitated());
        }
        return ofText(ofPairs(rows.stream().map(ImitationPair::pair).toList()) + hex(digest));
    }

    /// Tokens and margins of a reward model's pairs.
    public static String ofRewardPairs(List<RewardExample> pairs) {
        String tokens = ofPairs(pairs.stream().map(RewardExample::pair).toList());
        return ofText(tokens + pairs.stream().map(RewardExample::margin).toList());
    }

    /// Tokens and labels of completions.
    public static String ofUnpaired(List<UnpairedExample> rows) {
        MessageDigest digest = Sha256.begin();
        for (UnpairedExample row : rows) {
            put(digest, row.tokens().completionStart(), row.desirable() ? 1 : 0);
            put(digest, row.tokens().ids());
            put(digest, row.tokens().foreign());
        }
        return hex(digest);
    }

    /// Tokens of prompts and completions.
    public static String ofCompletions(List<CompletionExample> rows) {
        MessageDigest digest = Sha256.begin();
        for (CompletionExample row : rows) {
            put(digest, row.tokens());
            row.told().ifPresent(told -> put(digest, told));
        }
        return hex(digest);
    }

    private static void put(MessageDigest digest, LikelyTokens told) {
        for (int t = 0; t < told.tokens().length; t++) {
            put(digest, told.tokens()[t]);
            for (float logProb : told.logProbs()[t]) {
                put(digest, Float.floatToIntBits(logProb));
            }
        }
    }

    /// Tokens and judged steps.
    public static String ofStepwise(List<StepwiseExample> rows) {
        MessageDigest digest = Sha256.begin();
        for (StepwiseExample row : rows) {
            put(digest, row.ids());
            for (StepwiseExample.JudgedStep step : row.steps()) {
                put(digest, step.end(), step.right() ? 1 : 0);
            }
        }
        return hex(digest);
    }

    /// Tokens and labels.
    public static String ofLabelled(List<LabelledExample> rows) {
        MessageDigest digest = Sha256.begin();
        for (LabelledExample row : rows) {
            row.sequences().forEach(ids -> put(digest, ids));
            put(digest, row.places());
            digest.update(row.labels().toString().getBytes(StandardCharsets.UTF_8));
        }
        return hex(digest);
    }

    /// Tokens and columns of prompts.
    public static String ofPrompts(List<PromptExample> prompts) {
        MessageDigest digest = Sha256.begin();
        for (PromptExample prompt : prompts) {
            put(digest, prompt.ids());
            prompt.taught().ifPresent(taught -> put(digest, taught.ids()));
            digest.update(prompt.columns().toString().getBytes(StandardCharsets.UTF_8));
        }
        return hex(digest);
    }

    /// The fingerprint of a text.
    public static String ofText(String text) {
        MessageDigest digest = Sha256.begin();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return hex(digest);
    }

    /// The file of a run that learns from recorded completions.
    public static Map<String, String> ofRecorded(Optional<Path> file) {
        return file.map(recorded -> Map.of("recorded rollouts (hash)", ofFile(recorded)))
                .orElse(Map.of());
    }

    private static String ofFile(Path file) {
        MessageDigest digest = Sha256.begin();
        try (var bytes = new DigestInputStream(Files.newInputStream(file), digest)) {
            bytes.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw new ConfigException(file + " can't be read: " + e, e);
        }
        return hex(digest);
    }

    private static void put(MessageDigest digest, CompletionTokens tokens) {
        put(digest, tokens.completionStart());
        put(digest, tokens.ids());
        put(digest, tokens.foreign());
    }

    private static void put(MessageDigest digest, BitSet positions) {
        if (!positions.isEmpty()) { // runs without any keep the fingerprints they had
            put(digest, positions.stream().toArray());
        }
    }

    private static void put(MessageDigest digest, int... values) {
        var bytes = ByteBuffer.allocate(4 * (values.length + 1)).putInt(values.length);
        for (int value : values) {
            bytes.putInt(value);
        }
        digest.update(bytes.array());
    }

    private static String hex(MessageDigest digest) {
        return Sha256.hex(digest).substring(0, 32);
    }
}
