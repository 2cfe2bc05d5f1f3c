package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.formula.WeightFormula;
import org.attune.error.ConfigException;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Configuration of an adapter that puts virtual tokens before every sequence, PEFT's
/// `PROMPT_TUNING`, `PREFIX_TUNING` and `P_TUNING`. A written adapter holds the table of the
/// tokens, whatever made it, so it is trained on as a table.
///
/// @param kind `peft_type`
/// @param tokens `num_virtual_tokens`
/// @param sizes of the model: `token_dim`, `num_layers`, `num_attention_heads`
/// @param options the kind's fields
/// @param isWritten whether a file holds its table
/// @param text ids of the text with whose embeddings a fresh one begins
/// @param baseModel `base_model_name_or_path`
public record PromptConfig(
        PromptKind kind,
        int tokens,
        Sizes sizes,
        Map<String, JsonNode> options,
        boolean isWritten,
        List<Integer> text,
        Optional<String> baseModel)
        implements AdapterConfig {
    /// Name of a table in PEFT's files.
    public static final String TABLE = "prompt_embeddings";

    /// `num_virtual_tokens`.
    static final String COUNT = "num_virtual_tokens";

    /// Largest of all sizes.
    static final int MOST = 1 << 20;

    private static final String PARTS = "num_transformer_submodules";
    private static final String INITIAL = "prompt_tuning_init";

    /// A token that is drawn.
    private static final int DRAWN = -1;

    /// Sizes of the model.
    ///
    /// @param width `token_dim`
    /// @param layers `num_layers`
    /// @param heads `num_attention_heads`
    record Sizes(int width, int layers, int heads) {}

    public PromptConfig {
        options = Collections.unmodifiableMap(new TreeMap<>(options));
        text = List.copyOf(text);
    }

    static PromptConfig parse(JsonFields json) {
        return AdapterJson.located(json, () -> read(json));
    }

    private static PromptConfig read(JsonFields json) {
        PromptKind kind = PromptKind.valueOf(json.text("peft_type"));
        if (!json.text("task_type", "CAUSAL_LM").equals("CAUSAL_LM")) {
            throw json.invalid("task_type", "\"CAUSAL_LM\" with " + kind);
        }
        if (json.integer(PARTS, 1) != 1) {
            throw json.invalid(PARTS, "1: models of an encoder and a decoder are not supported");
        }
        if (!json.texts("modules_to_save").isEmpty()) {
            throw json.invalid("modules_to_save", "null with " + kind);
        }
        return new PromptConfig(
                kind,
                json.size(COUNT, MOST),
                new Sizes(
                        json.size("token_dim", MOST),
                        json.size("num_layers", MOST),
                        json.size("num_attention_heads", MOST)),
                kind.read(json),
                true,
                List.of(),
                json.optionalText("base_model_name_or_path"));
    }

    /// An adapter without a table, with what its options begin with.
    ///
    /// @param ids of the text that they ask for, if they do
    PromptConfig fresh(List<Integer> ids) {
        return new PromptConfig(kind, tokens, sizes, options, false, ids, baseModel);
    }

    /// The configuration of an adapter, if it is of virtual tokens.
    public static Optional<PromptConfig> of(AdapterConfig config) {
        return config instanceof PromptConfig own ? Optional.of(own) : Optional.empty();
    }

    /// Whether the tokens' keys and values in each layer are trained; else the vectors in place of
    /// their embeddings.
    public boolean isPrefix() {
        return kind == PromptKind.PREFIX_TUNING;
    }

    /// Numbers of a token's vector; of a prefix those of a layer's keys.
    public int width() {
        return sizes.width();
    }

    /// How the table with a row for each token is made, `(tokens, width)`; of a prefix
    /// `(tokens, 2 · layers · width)`.
    public WeightFormula formula() {
        return isWritten ? PromptFormulas.table(false) : kind.formula(options, width());
    }

    /// Tokens with whose embeddings a fresh adapter begins, repeated as needed; one that is
    /// negative is drawn. Empty: as the formula says.
    public List<Integer> startsAt() {
        boolean draws =
                kind == PromptKind.PROMPT_TUNING
                        && options.get(INITIAL).textValue().equals("SAMPLE_VOCAB");
        return draws ? List.of(DRAWN) : text;
    }

    @Override
    public List<String> suffixes() {
        return List.of();
    }

    @Override
    public ModuleSelection targets() {
        return new ModuleSelection.Names(List.of());
    }

    @Override
    public List<String> modulesToSave() {
        return List.of();
    }

    @Override
    public String taskType() {
        return "CAUSAL_LM";
    }

    @Override
    public double dropout() {
        return 0;
    }

    @Override
    public Optional<AdapterTarget> match(String path) {
        return Optional.empty();
    }

    @Override
    public List<AdapterTarget> matchAll(Collection<String> linearPaths, String embedding) {
        return List.of();
    }

    @Override
    public boolean savesWhole(String path, boolean tied) {
        return false;
    }

    @Override
    public boolean tiesSaved() {
        return false;
    }

    @Override
    public Optional<String> virtualTokens() {
        return Optional.of(described());
    }

    @Override
    public String described() {
        return "%d virtual tokens of %s".formatted(tokens, kind);
    }

    @Override
    public PromptConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        if (!otherModules.isEmpty() || !otherTask.equals(taskType())) {
            throw new ConfigException(
                    "%s has virtual tokens alone, for causal language models; accepted without %s"
                            .formatted(
                                    kind,
                                    otherModules.isEmpty()
                                            ? "task_type " + otherTask
                                            : "modules that are trained whole: " + otherModules));
        }
        return new PromptConfig(kind, tokens, sizes, options, isWritten, text, otherBase);
    }

    @Override
    public String toJson(boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        AdapterJson.putCommon(fields, kind.name(), this, Optional.empty(), transposed);
        fields.keySet().removeAll(List.of("fan_in_fan_out", "target_modules", "exclude_modules"));
        fields.put(COUNT, AdapterJson.NODES.numberNode(tokens));
        fields.put("token_dim", AdapterJson.NODES.numberNode(sizes.width()));
        fields.put("num_layers", AdapterJson.NODES.numberNode(sizes.layers()));
        fields.put("num_attention_heads", AdapterJson.NODES.numberNode(sizes.heads()));
        fields.put(PARTS, AdapterJson.NODES.numberNode(1));
        fields.putAll(options);
        return Json.pretty(AdapterJson.sorted(fields));
    }
}
