package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.formula.FormulaKind;
import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// An adapter's configuration, PEFT's `adapter_config.json`. Its kind is the file's `peft_type`.
@Api(EXPERIMENTAL)
public sealed interface AdapterConfig
        permits LoraConfig,
                Ia3Config,
                FormulaConfig,
                LnTuningConfig,
                PromptConfig,
                AdapterConfig.Tokens {
    /// Configuration of an adapter that is some rows of the embedding, PEFT's
    /// `peft_type: TRAINABLE_TOKENS`. A tied output layer has these rows too.
    ///
    /// @param modules `target_modules`: ends of the embedding's path; none is the embedding
    /// @param tokens `token_indices`: ids of the tokens whose rows are trained
    /// @param startsAtBase `init_weights`: whether a fresh adapter has the model's own rows, else
    ///     random ones
    /// @param taskType `task_type`
    /// @param baseModel `base_model_name_or_path`
    public record Tokens(
            List<String> modules,
            List<Integer> tokens,
            boolean startsAtBase,
            String taskType,
            Optional<String> baseModel)
            implements AdapterConfig {
        /// `peft_type`.
        static final String TYPE = "TRAINABLE_TOKENS";

        /// @throws org.attune.error.ConfigException if tokens are missing, negative or twice
        public Tokens {
            modules = List.copyOf(modules);
            tokens = List.copyOf(tokens);
            LoraOptions.requireTokens("", tokens);
        }

        /// The configuration that fields with PEFT's names say.
        ///
        /// @param where name of the fields in error messages
        /// @throws org.attune.error.ModelException if a value can't be used, naming the field
        public static Tokens of(String where, Map<String, Object> fields) {
            return parse(JsonFields.of(where, fields));
        }

        static Tokens parse(JsonFields json) {
            return AdapterJson.located(
                    json,
                    () ->
                            new Tokens(
                                    json.texts("target_modules"),
                                    json.integers("token_indices"),
                                    json.flag("init_weights", true),
                                    json.text("task_type", "CAUSAL_LM"),
                                    json.optionalText("base_model_name_or_path")));
        }

        @Override
        public List<String> suffixes() {
            return List.of();
        }

        @Override
        public Optional<AdapterTarget.TokenRows> tokenRows(String path, boolean embedding) {
            boolean meant = modules.isEmpty() ? embedding : targets().contains(path);
            return meant
                    ? Optional.of(
                            new AdapterTarget.TokenRows(
                                    AdapterTarget.PREFIX + path + AdapterTarget.TokenRows.SUFFIX,
                                    tokens,
                                    startsAtBase))
                    : Optional.empty();
        }

        @Override
        public ModuleSelection targets() {
            return new ModuleSelection.Names(modules);
        }

        /// No linear module is changed.
        @Override
        public Optional<AdapterTarget> match(String path) {
            return Optional.empty();
        }

        @Override
        public List<AdapterTarget> matchAll(Collection<String> linearPaths, String embedding) {
            return List.of();
        }

        @Override
        public List<String> modulesToSave() {
            return List.of();
        }

        @Override
        public double dropout() {
            return 0;
        }

        @Override
        public boolean savesWhole(String path, boolean tied) {
            return false;
        }

        @Override
        public String described() {
            return "an adapter of the rows of tokens " + tokens;
        }

        @Override
        public boolean tiesSaved() {
            return false;
        }

        @Override
        public Tokens with(
                ModuleSelection otherTargets,
                List<String> otherModules,
                String otherTask,
                Optional<String> otherBase) {
            return new Tokens(modules, tokens, startsAtBase, otherTask, otherBase);
        }

        @Override
        public String toJson(boolean transposed) {
            Map<String, JsonNode> fields = new TreeMap<>();
            AdapterJson.putCommon(fields, TYPE, this, Optional.empty(), transposed);
            fields.keySet()
                    .removeAll(List.of("fan_in_fan_out", "exclude_modules", "modules_to_save"));
            fields.put("token_indices", AdapterJson.integers(tokens));
            fields.put("init_weights", AdapterJson.NODES.booleanNode(startsAtBase));
            return Json.pretty(AdapterJson.sorted(fields));
        }
    }

    /// Name of the file in an adapter's folder.
    String FILE = "adapter_config.json";

    /// `task_type` of adapters on sequence-classification models.
    String SEQ_CLS = "SEQ_CLS";

    /// `task_type` of adapters on token-classification models.
    String TOKEN_CLS = "TOKEN_CLS";

    /// What PEFT saves whole in adapters of these types, whatever else is named: the names that the
    /// head has in one family or another.
    List<String> CLASSIFIER_HEADS = List.of("classifier", "score");

    /// The configuration in an adapter folder or file.
    ///
    /// @throws org.attune.error.ModelException if the file is absent or damaged, or asks for a
    ///     feature that Attune doesn't have
    static AdapterConfig read(Path folderOrFile) {
        Path file = Files.isDirectory(folderOrFile) ? folderOrFile.resolve(FILE) : folderOrFile;
        JsonFields json = JsonFields.read(file);
        return switch (json.text("peft_type", "")) {
            case "LORA" -> LoraJson.parse(json);
            case "IA3" -> Ia3Json.parse(json);
            case Tokens.TYPE -> Tokens.parse(json);
            case LnTuningConfig.TYPE -> LnTuningConfig.parse(json);
            case "PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING" -> PromptConfig.parse(json);
            default ->
                    FormulaJson.parse(
                            FormulaKind.of(json.text("peft_type", ""))
                                    .orElseThrow(() -> json.invalid("peft_type", kinds())),
                            json);
        };
    }

    private static String kinds() {
        return Stream.concat(
                        Stream.of("LORA", "IA3", LnTuningConfig.TYPE, Tokens.TYPE),
                        Stream.concat(
                                Arrays.stream(PromptKind.values()),
                                Arrays.stream(FormulaKind.values())))
                .map(kind -> "\"" + kind + "\"")
                .collect(Collectors.joining(", "));
    }

    /// An adapter of norms of a causal language model that are trained whole.
    ///
    /// @throws ConfigException if linear modules are named
    static AdapterConfig ofNorms(ModuleSelection norms) {
        return new LnTuningConfig(
                norms, Optional.empty(), List.of(), "CAUSAL_LM", Optional.empty());
    }

    /// A fresh adapter of virtual tokens for a causal language model.
    ///
    /// @param where name of the fields in error messages
    /// @param fields by PEFT's names, `peft_type` among them
    /// @param text ids of the text that they begin as, where the fields ask for that
    /// @throws org.attune.error.ModelException if a value can't be used, naming the field
    static AdapterConfig ofPrompt(String where, Map<String, Object> fields, List<Integer> text) {
        PromptConfig fresh = PromptConfig.parse(JsonFields.of(where, fields)).fresh(text);
        fresh.formula(); // refuses what training doesn't obey
        return fresh;
    }

    /// Fields that an adapter of virtual tokens has beside sizes of the model.
    ///
    /// @param peftType `PROMPT_TUNING`, `PREFIX_TUNING` or `P_TUNING`
    static Set<String> promptFields(String peftType) {
        return PromptKind.valueOf(peftType).fields();
    }

    /// What the adapter puts before every sequence, if it does: number and kind of virtual tokens.
    default Optional<String> virtualTokens() {
        return Optional.empty();
    }

    /// Ends of the names that a module's tensors have in PEFT's files, with the dot before them.
    List<String> suffixes();

    /// Values of a fresh adapter, `init_weights` or a name like it.
    default LoraInitialisation initialisation() {
        return LoraInitialisation.KAIMING;
    }

    /// The configuration of the adapter's file, which is for the unchanged base.
    default AdapterConfig onBase() {
        return this;
    }

    /// An option that training would have to obey and doesn't, with what is accepted.
    default Optional<String> untrainable() {
        return Optional.empty();
    }

    /// `target_modules`.
    ModuleSelection targets();

    /// `modules_to_save`: modules trained and saved in full.
    List<String> modulesToSave();

    /// `task_type`.
    String taskType();

    /// `base_model_name_or_path`.
    Optional<String> baseModel();

    /// Probability that an input of the adapter is dropped in training, in [0, 1).
    double dropout();

    /// What the adapter does to a module, or empty if it does nothing. Ask for linear modules only:
    /// a configuration doesn't know what a path means.
    ///
    /// @param path Hugging Face's module path, e.g. `model.layers.0.self_attn.q_proj`
    Optional<AdapterTarget> match(String path);

    /// What the adapter does to the embedding, or empty if it does nothing.
    ///
    /// @param path Hugging Face's path of the embedding, e.g. `model.embed_tokens`
    default Optional<AdapterTarget> matchEmbedding(String path) {
        return Optional.empty();
    }

    /// What the adapter does to each matrix of a parameter that holds those of all experts; empty
    /// if nothing.
    ///
    /// @param name of the parameter, e.g. `model.layers.0.mlp.experts.gate_up_proj`
    /// @param path of one expert's matrix
    default Optional<AdapterTarget> matchParameter(String name, String path) {
        return Optional.empty();
    }

    /// Ends of names of parameters that hold matrices of all experts.
    default List<String> parameters() {
        return List.of();
    }

    /// Rows of the embedding or output layer that are trained, or empty if there are none.
    ///
    /// @param path of the module
    /// @param embedding whether it is the embedding
    default Optional<AdapterTarget.TokenRows> tokenRows(String path, boolean embedding) {
        return Optional.empty();
    }

    /// Biases of the base model that are trained beside the adapter.
    default LoraOptions.Biases biases() {
        return LoraOptions.Biases.NONE;
    }

    /// PEFT's `layer_replication`: ranges `[start, end)` of the base model's blocks, which stand
    /// one behind the other in the adapted model. Empty: its blocks as they are.
    default List<List<Integer>> replication() {
        return List.of();
    }

    /// Whether a module is trained and saved in full.
    ///
    /// @param tied whether the model's output layer is its embedding
    boolean savesWhole(String path, boolean tied);

    /// Whether a module, or one that it is inside of, is trained and saved in full.
    ///
    /// @param tied whether the model's output layer is its embedding
    default boolean savesAround(String path, boolean tied) {
        for (int dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
            if (savesWhole(path.substring(0, dot), tied)) {
                return true;
            }
        }
        return savesWhole(path, tied);
    }

    /// Checks that the adapter of a model with these modules finds what it trains whole.
    ///
    /// @param norms paths of the model's norms
    /// @param others paths of its other modules
    /// @throws ConfigException if it names norms that there aren't, or other modules as norms
    default void requireNorms(Collection<String> norms, Collection<String> others) {}

    /// Name in PEFT's files of a tensor that is trained in full.
    ///
    /// @param tensor Hugging Face's name, e.g. `model.norm.weight`
    default String nameOfSaved(String tensor) {
        return AdapterTarget.nameOfSaved(tensor);
    }

    /// Hugging Face's name of a tensor that is trained in full: the way back from [#nameOfSaved].
    ///
    /// @param inner its name in PEFT's files behind [AdapterTarget#PREFIX]
    default String savedTensor(String inner) {
        return inner;
    }

    /// Names in PEFT's files of tensors that belong to no module.
    default List<String> shared() {
        return List.of();
    }

    /// The kind with its main options, for messages.
    String described();

    /// Whether embedding and output layer, if they are one tensor, are trained as one.
    boolean tiesSaved();

    /// Replaces targets, saved modules, task type and base model.
    ///
    /// @param otherModules trained and saved in full
    AdapterConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase);

    /// Text of an `adapter_config.json` that PEFT loads.
    ///
    /// @param transposed whether the base model's files hold matrices as `(in, out)`, which PEFT
    ///     calls `fan_in_fan_out`
    String toJson(boolean transposed);

    /// Text of an `adapter_config.json` for a base model whose files hold matrices as `(out, in)`.
    default String toJson() {
        return toJson(false);
    }

    /// Whether the adapter belongs to a classification model.
    default boolean isClassifier() {
        return taskType().equals(SEQ_CLS) || taskType().equals(TOKEN_CLS);
    }

    /// All modules that the adapter changes, in the order given.
    ///
    /// @param linearPaths paths of the model's linear modules
    /// @param embedding path of its embedding, whose update is not in the result
    /// @throws ConfigException if none matches, or a plain name in the configuration matches none
    default List<AdapterTarget> matchAll(Collection<String> linearPaths, String embedding) {
        boolean embeds = matchEmbedding(embedding).isPresent();
        List<AdapterTarget> matched = linearPaths.stream().flatMap(p -> match(p).stream()).toList();
        if (matched.isEmpty() && !embeds && parameters().isEmpty()) {
            throw new ConfigException(
                    "target_modules %s matches no linear module; there are %s"
                            .formatted(AdapterJson.describe(targets()), lastNames(linearPaths)));
        }
        if (targets() instanceof ModuleSelection.Names(List<String> names)) {
            for (String name : names) {
                var one = new ModuleSelection.Names(List.of(name));
                if (linearPaths.stream().noneMatch(one::contains)
                        && !(embeds && one.contains(embedding))) {
                    throw new ConfigException(
                            "target_modules: \"%s\" is no linear module; there are %s"
                                    .formatted(name, lastNames(linearPaths)));
                }
            }
        }
        return matched;
    }

    /// All linear modules that the adapter changes, of a model without an embedding of a name.
    default List<AdapterTarget> matchAll(Collection<String> linearPaths) {
        return matchAll(linearPaths, "");
    }

    static List<String> lastNames(Collection<String> paths) {
        return paths.stream().map(AdapterConfig::lastName).distinct().toList();
    }

    private static String lastName(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /// Writes `all-linear` out as names, which PEFT loads. They are the last names of the modules
    /// if these mean no other module of the model, else whole paths.
    ///
    /// @param paths of the modules that have an adapter
    /// @param modules paths of all of the model's modules, linear or not
    default AdapterConfig withTargetsResolved(List<String> paths, Collection<String> modules) {
        if (!(targets() instanceof ModuleSelection.AllLinear)) {
            return this;
        }
        AdapterConfig whole = withTargets(paths, path -> path);
        AdapterConfig brief = withTargets(paths, AdapterConfig::lastName);
        return brief.reached(modules).equals(whole.reached(modules)) ? brief : whole;
    }

    private Set<AdapterTarget> reached(Collection<String> modules) {
        return modules.stream().flatMap(path -> match(path).stream()).collect(Collectors.toSet());
    }

    /// Replaces the targets by named modules.
    ///
    /// @param name of a module's path
    default AdapterConfig withTargets(List<String> paths, UnaryOperator<String> name) {
        var names = new ModuleSelection.Names(paths.stream().map(name).distinct().toList());
        return with(names, modulesToSave(), taskType(), baseModel());
    }

    /// Replaces the base model.
    default AdapterConfig withBaseModel(String name) {
        return with(targets(), modulesToSave(), taskType(), Optional.of(name));
    }

    /// Puts the adapter on a sequence-classification model of the same trunk, whose score head is
    /// saved whole. What concerned an output layer is left out.
    default AdapterConfig asClassifier(String outputLayer) {
        Set<String> whole = new LinkedHashSet<>(modulesToSave());
        whole.removeIf(outputLayer::endsWith);
        whole.addAll(CLASSIFIER_HEADS);
        return with(targets(), List.copyOf(whole), SEQ_CLS, baseModel());
    }
}
