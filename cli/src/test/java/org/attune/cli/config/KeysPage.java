package org.attune.cli.config;

import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Writes `docs/keys.md` from the table of keys.
final class KeysPage {
    private static final String HEAD =
            """
            # The keys of a run's file

            A run is one YAML file with flat keys, and arguments over them: `key=value`, the value in YAML, or as TRL's commands have them (below). Every key of TRL 1.16's `SFTConfig`, `DPOConfig`,
            `GRPOConfig`, `RLOOConfig`, `RewardConfig`, `KTOConfig`, `ORPOConfig`, `CPOConfig`, `TPOConfig`, `GKDConfig`, `DistillationConfig`, `OnlineDPOConfig`, `ModelConfig`, `ScriptArguments` and `DatasetMixtureConfig`, of TRL 1.9's `XPOConfig` and `NashMDConfig`, of TRL 1.10's `PRMConfig`, `PPOConfig` and `BCOConfig` (the last), and of transformers 5.24's `TrainingArguments`, is known: it is
            obeyed, has no effect here (which is said at the start of the run), or is refused with what to use instead. So are keys of older versions, of recipes that are built on TRL, and of `accelerate launch`.
            A refused key is accepted where it changes nothing: at its default, at `null`, `none`, `false`, `no` or an empty list or map, and where zero switches it off.
            An unknown key is an error that names the nearest known one; all problems of a file are reported together, with their lines.

            This page is made from `cli/src/main/resources/org/attune/cli/config/keys.tsv`; a test compares them.

            ## Values

            - One rule for paths, of models, adapters, data, templates, rewards and rollouts: a relative path starts at the folder in which the command runs, as in TRL. What a run's file
              names to be read may stand beside that file instead; if both places have it, the run is refused and both are named. `output_dir` and `record_rollouts` always start
              where the command runs. `~`, `$NAME` and `${NAME}` are replaced. Messages give the absolute paths that were looked at.
            - `null`, `~` and nothing at all leave a key at its default; for `max_length` they say: no limit.
            - Where a list is wanted, one value is a list of one.
            - TRL's command lines work as they are typed: `--config run.yaml`, `--learning_rate 1e-4`, `--learning-rate=1e-4`, `--use_peft`, `--no_gradient_checkpointing`,
              `--lora_target_modules q_proj v_proj`. All keys may be arguments; then no file is needed. Behind `--key` stands text as it is, behind `key=` YAML.
            - A data set may have TRL's `data_files` and `data_dir`; its `path` is then a folder, or `json`, `csv`, `parquet` or `text`.
            - `resume: true` continues from the newest whole checkpoint in `output_dir` and gives the numbers of a run that was not interrupted. Without it, what an earlier run
              left in `output_dir` is moved into `earlier-N/` in it, when the first step is done.
            - A resumed run may have a larger `max_steps`, `num_train_epochs` or `total_episodes` than its checkpoint: the learning rate then follows the schedule of the new length. All else that changes numbers must be as it was.

            ## Defaults that are not TRL's

            | key | TRL | here | why |
            |---|---|---|---|
            | `dtype` | `float32` (with `bf16` autocast) | `auto` | bfloat16 products where the device multiplies it fast, else float32; trained numbers are float32 always, as under autocast |
            | `model_name_or_path` | `null` | required | there is no other way to name the model |
            | `epsilon` (GRPO) | `0.2` | unset: `0.2`, with `loss_type: gmpo` `0.4` | TRL has a separate configuration for GMPO, with that default |
            | `stop_token` (PPO) | `null`: none | `eos` | a completion that is generated past its end is not what the model would say; `none` asks for that |
            | `train_sampling_strategy` (BCO) | `random`, which its trainer does not heed: rows come in file order | `sequential` | the order that TRL's run has; `random` is obeyed here |
            | `reward_model_path` (PPO) | `EleutherAI/pythia-160m` | unset | nobody wants that one by default |
            | `output_dir` | `trainer_output` | required | results have no default place |
            """;

    private KeysPage() {}

    static String markdown(KeyTable table) {
        var page = new StringBuilder(HEAD);
        section(page, table, Key.Outcome.OBEYED, "Obeyed", "meaning");
        section(page, table, Key.Outcome.NO_EFFECT, "Without effect here", "why");
        section(page, table, Key.Outcome.REFUSED, "Refused", "instead");
        return page.toString();
    }

    private static void section(
            StringBuilder page, KeyTable table, Key.Outcome outcome, String title, String last) {
        List<Key> keys = table.all().stream().filter(k -> k.outcome() == outcome).toList();
        page.append("\n## ").append(title).append("\n\n");
        boolean obeyed = outcome == Key.Outcome.OBEYED;
        page.append("| key | methods | from | default | ")
                .append(obeyed ? "accepted | " : "")
                .append(last)
                .append(" |\n");
        page.append("|---|---|---|---|---|").append(obeyed ? "---|" : "").append("\n");
        for (List<Key> alike : together(keys)) {
            Key key = alike.getFirst();
            page.append("| ")
                    .append(joined(alike, k -> "`" + k.name() + "`"))
                    .append(" | ")
                    .append(methods(key))
                    .append(" | ")
                    .append(key.origin())
                    .append(" | ")
                    .append(joined(alike, KeysPage::ourDefault))
                    .append(" | ")
                    .append(obeyed ? facts(key).accepted(key) + " | " : "")
                    .append(key.note().replace("|", "\\|"))
                    .append(" |\n");
        }
    }

    /// Keys of which the same is to be said, if they are not obeyed, share a row.
    private static Collection<List<Key>> together(List<Key> keys) {
        Map<List<Object>, List<Key>> rows = new LinkedHashMap<>();
        for (Key key : keys) {
            boolean obeyed = key.outcome() == Key.Outcome.OBEYED;
            var shared = List.of(obeyed ? key : "", key.methods(), key.origin(), key.note());
            rows.computeIfAbsent(List.copyOf(shared), _ -> new ArrayList<>()).add(key);
        }
        return rows.values();
    }

    private static String joined(List<Key> keys, Function<Key, String> cell) {
        return keys.stream().map(cell).distinct().collect(Collectors.joining(", "));
    }

    private static String methods(Key key) {
        return key.methods().size() == Methods.all().size()
                ? "all"
                : key.methods().stream()
                        .map(TrainingMethod::name)
                        .collect(Collectors.joining(", "));
    }

    private static String ourDefault(Key key) {
        if (key.outcome() != Key.Outcome.OBEYED) {
            return "`" + key.foreignDefault() + "`";
        }
        String standard = facts(key).standard(key);
        return List.of("unset", "required", "none").contains(standard)
                ? standard
                : "`" + standard + "`";
    }

    private static KeyFacts facts(Key key) {
        return KeyFacts.of(key.methods().getFirst());
    }
}
