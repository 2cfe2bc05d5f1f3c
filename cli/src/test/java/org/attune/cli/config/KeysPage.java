package org.attune.cli.config;

import org.attune.trainers.config.BcoConfig;
import org.attune.trainers.config.DpoConfig;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.config.PpoConfig;
import org.attune.trainers.config.PrmConfig;
import org.attune.trainers.config.RewardTrainerConfig;
import org.attune.trainers.config.SftConfig;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Writes `docs/keys.md` from the table of keys.
final class KeysPage {
    private static final String HEAD =
            """
            # The keys of a run's file

            A run is one YAML file with flat keys, and `key=value` arguments over them. Every key of TRL 1.16's `SFTConfig`, `DPOConfig`,
            `GRPOConfig`, `RewardConfig`, `ModelConfig`, `ScriptArguments` and `DatasetMixtureConfig`, of TRL 1.10's `PRMConfig`, `PPOConfig` and `BCOConfig` (the last), and of transformers 5.24's `TrainingArguments`, is known: it is
            obeyed, has no effect here (which is said at the start of the run), or is refused with what to use instead. A refused key at its default asks for nothing and is accepted.
            An unknown key is an error that names the nearest known one; all problems of a file are reported together, with their lines.

            This page is made from `cli/src/main/resources/org/attune/cli/config/keys.tsv`; a test compares them.

            ## Values

            - A relative path is relative to the folder in which the command runs.
            - `null`, `~` and nothing at all leave a key at its default; for `max_length` they say: no limit.
            - Where a list is wanted, one value is a list of one.
            - `resume: true` continues from the newest whole checkpoint in `output_dir` and gives the numbers of a run that was not interrupted. Without it, what an earlier run
              left in `output_dir` is moved into `earlier-N/` in it.

            ## Defaults that are not TRL's

            | key | TRL | here | why |
            |---|---|---|---|
            | `dtype` | `float32` (with `bf16` autocast) | `auto` | bfloat16 products where the device multiplies it fast, else float32; trained numbers are float32 always, as under autocast |
            | `model_name_or_path` | `null` | required | there is no other way to name the model |
            | `stop_token` (PPO) | `null`: none | `eos` | a completion that is generated past its end is not what the model would say; `none` asks for that |
            | `train_sampling_strategy` (BCO) | `random`, which its trainer does not heed: rows come in file order | `sequential` | the order that TRL's run has; `random` is obeyed here |
            | `reward_model_path` (PPO) | `EleutherAI/pythia-160m` | unset | nobody wants that one by default |
            | `output_dir` | `trainer_output` | required | results have no default place |
            """;

    private KeysPage() {}

    static String markdown(KeyTable table) {
        var page = new StringBuilder(HEAD);
        section(page, table, Key.Outcome.OBEYED, "Obeyed", "remark");
        section(page, table, Key.Outcome.NO_EFFECT, "Without effect here", "why");
        section(page, table, Key.Outcome.REFUSED, "Refused", "instead");
        return page.toString();
    }

    private static void section(
            StringBuilder page, KeyTable table, Key.Outcome outcome, String title, String last) {
        List<Key> keys = table.all().stream().filter(k -> k.outcome() == outcome).toList();
        page.append("\n## ").append(title).append("\n\n");
        page.append("| key | methods | from | default | ").append(last).append(" |\n");
        page.append("|---|---|---|---|---|\n");
        for (Key key : keys) {
            page.append("| `")
                    .append(key.name())
                    .append("` | ")
                    .append(methods(key))
                    .append(" | ")
                    .append(key.origin())
                    .append(" | ")
                    .append(ourDefault(key))
                    .append(" | ")
                    .append(key.note().replace("|", "\\|"))
                    .append(" |\n");
        }
    }

    private static String methods(Key key) {
        return key.methods().size() == Method.values().length
                ? "all"
                : key.methods().stream()
                        .sorted()
                        .map(Method::wireName)
                        .collect(Collectors.joining(", "));
    }

    private static String ourDefault(Key key) {
        if (key.outcome() != Key.Outcome.OBEYED) {
            return "`" + key.foreignDefault() + "`";
        }
        Record defaults = defaults(key.methods().stream().sorted().findFirst().orElseThrow());
        Map<String, Object> ours = ResolvedConfig.flat(defaults);
        Object value = ours.get(key.name());
        return switch (value) {
            case null ->
                    key.foreignDefault().equals("null")
                            ? "unset"
                            : "`" + key.foreignDefault() + "`";
            case String s when s.isEmpty() -> "required";
            case String s when s.isBlank() -> "`" + key.foreignDefault() + "`"; // escaped
            case List<?> list when list.isEmpty() ->
                    key.name().equals("datasets") ? "required" : "none";
            default -> "`" + value + "`";
        };
    }

    private static Record defaults(Method method) {
        return switch (method) {
            case SFT -> SftConfig.defaults();
            case DPO -> DpoConfig.defaults();
            case GRPO -> GrpoConfig.defaults();
            case REWARD -> RewardTrainerConfig.defaults();
            case PRM -> PrmConfig.defaults();
            case PPO -> PpoConfig.defaults();
            case BCO -> BcoConfig.defaults();
        };
    }
}
