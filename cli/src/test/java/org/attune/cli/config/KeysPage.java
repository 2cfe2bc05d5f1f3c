package org.attune.cli.config;

import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Writes `docs/keys.md` from the table of keys.
final class KeysPage {
    private static final String HEAD =
            """
            # The keys of a run's file

            `./attune keys` shows them on the screen, with defaults and meaning: `./attune keys dpo` those of a method, `./attune keys dpo eval` those with a word in their names, `./attune keys memory` those that serve a purpose of the headings below, `--all` TRL's others too. `./attune init dpo` writes the ones that matter into a file.

            This page: [values](#values) · [defaults that are not TRL's](#defaults-that-are-not-trls) · GROUPS · [without effect here](#without-effect-here) · [refused](#refused) · [names of other programs](#names-of-other-programs)

            A run is one YAML file with flat keys, and arguments over them: `key=value`, the value in YAML, or as TRL's commands have them (below). Every key of TRL 1.16's `SFTConfig`, `DPOConfig`,
            `GRPOConfig`, `RLOOConfig`, `RewardConfig`, `KTOConfig`, `ORPOConfig`, `CPOConfig`, `TPOConfig`, `GKDConfig`, `DistillationConfig`, `OnlineDPOConfig`, `ModelConfig`, `ScriptArguments` and `DatasetMixtureConfig`, of TRL 1.9's `XPOConfig` and `NashMDConfig`, of TRL 1.10's `PRMConfig`, `PPOConfig` and `BCOConfig` (the last), and of transformers 5.24's `TrainingArguments`, is known: it is
            obeyed, has no effect here (which is said at the start of the run), or is refused with what to use instead. So are keys of older versions, of recipes that are built on TRL, and of `accelerate launch`.
            A refused key is accepted where it changes nothing: at its default, at `null`, `none`, `false`, `no` or an empty list or map, and where zero switches it off.
            An unknown key is an error that names a known one with nearly the same letters; all problems of a file are reported together, with their lines.

            This page is made from `keys.tsv`, `groups.tsv` and `foreign.tsv` in `cli/src/main/resources/org/attune/cli/config`; a test compares them.

            ## Values

            - One rule for paths, of models, adapters, data, templates, rewards and rollouts: a relative path starts at the folder in which the command runs, as in TRL. What a run's file
              names to be read may stand beside that file instead; if both places have it, the run is refused and both are named. `output_dir` and `record_rollouts` always start
              where the command runs. `~`, `$NAME` and `${NAME}` are replaced. Messages give the absolute paths that were looked at.
            - `null`, `~` and nothing at all leave a key at its default; for `max_length` they say: no limit.
            - Where a list is wanted, one value is a list of one.
            - TRL's command lines work as they are typed: `--config run.yaml`, `--learning_rate 1e-4`, `--learning-rate=1e-4`, `--use_peft`, `--no_gradient_checkpointing`,
              `--lora_target_modules q_proj v_proj`. All keys may be arguments; then no file is needed. Behind `--key` stands text as it is, behind `key=` YAML.
            - A data set may have TRL's `data_files` and `data_dir`; its `path` is then a folder, or `json`, `csv`, `parquet`, `arrow` or `text`.
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
        List<KeyGroup> groups = KeyGroup.all();
        String links =
                groups.stream()
                        .map(g -> "[%s](#%s)".formatted(g.title(), anchor(g.title())))
                        .collect(Collectors.joining(" · "));
        var page = new StringBuilder(HEAD.replace("GROUPS", links));
        for (KeyGroup group : groups) {
            List<Key> keys =
                    group.keys().stream()
                            .flatMap(name -> table.all().stream().filter(k -> isObeyed(k, name)))
                            .toList();
            section(page, keys, group.title(), "meaning");
        }
        section(page, of(table, Key.Outcome.NO_EFFECT), "Without effect here", "why");
        section(page, of(table, Key.Outcome.REFUSED), "Refused", "instead");
        foreign(page);
        return page.toString();
    }

    private static boolean isObeyed(Key key, String name) {
        return key.outcome() == Key.Outcome.OBEYED && key.name().equals(name);
    }

    private static List<Key> of(KeyTable table, Key.Outcome outcome) {
        return table.all().stream().filter(k -> k.outcome() == outcome).toList();
    }

    /// As GitHub makes it of a heading.
    private static String anchor(String title) {
        return title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 -]", "").replace(' ', '-');
    }

    /// Names of other programs' files that mean a key here.
    private static void foreign(StringBuilder page) {
        page.append(
                """

                ## Names of other programs

                A name from a file of LLaMA-Factory, Axolotl, ms-swift or Unsloth is an error that says what to write here, for all names of the file at once, with its value translated and the program's defaults where they are others. Names without effect here are noted and passed over.
                Entries of Axolotl's `datasets` and `test_datasets` are answered with our entries: fields that name columns become `columns`, and fields without a counterpart are named.
                The file is not simply taken over, since what it leaves out would stand at another program's defaults. `./attune keys cutoff_len` answers single names.

                | here | there |
                |---|---|
                """);
        Map<String, List<String>> names = new TreeMap<>();
        for (ForeignKey row : ForeignKey.load()) {
            row.key()
                    .filter(key -> !key.equals(row.name()))
                    .ifPresent(
                            key ->
                                    names.computeIfAbsent(key, _ -> new ArrayList<>())
                                            .add("`%s` (%s)".formatted(row.name(), row.program())));
        }
        names.forEach(
                (key, there) ->
                        page.append("| `%s` | %s |\n".formatted(key, String.join(", ", there))));
    }

    private static void section(StringBuilder page, List<Key> keys, String title, String last) {
        page.append("\n## ").append(title).append("\n\n");
        boolean obeyed = keys.getFirst().outcome() == Key.Outcome.OBEYED;
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
