package org.attune.adapter.formula;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import org.attune.error.ConfigException;
import org.attune.files.JsonFields;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/// Kinds of adapters whose updates are formulas, by PEFT's `peft_type`.
public enum FormulaKind {
    /// Products of two low-rank matrices, element by element.
    LOHA(
            """
            {"r": 8, "alpha": 8, "init_weights": true, "rank_dropout": 0.0, "module_dropout": 0.0,
             "use_effective_conv2d": false}\
            """,
            Map.of(
                    "init_weights",
                    "[true, false]",
                    "use_khatri_rao",
                    "[\"auto\", false]",
                    "r2",
                    "[]"),
            o -> new HadamardProduct(o.count("r"), o.number("alpha") / o.count("r"))),

    /// Kronecker products of two matrices.
    LOKR(
            """
            {"r": 8, "alpha": 8, "init_weights": true, "rank_dropout": 0.0, "module_dropout": 0.0,
             "use_effective_conv2d": false, "decompose_both": false, "decompose_factor": -1,
             "rank_dropout_scale": false}\
            """,
            Map.of("init_weights", "[true, false, \"lycoris\"]"),
            o ->
                    new KroneckerProduct(
                            o.count("r"),
                            o.number("alpha") / o.count("r"),
                            o.flag("decompose_both"),
                            o.factor("decompose_factor"))),

    /// Rotations of input features in blocks. Files without `use_cayley_neumann` are older than it.
    OFT(
            """
            {"r": 0, "oft_block_size": 32, "init_weights": true, "module_dropout": 0.0,
             "coft": false, "eps": 6e-05, "block_share": false, "use_cayley_neumann": false,
             "num_cayley_neumann_terms": 5, "bias": "none", "fan_in_fan_out": false}\
            """,
            Map.of("init_weights", "[true, false]", "coft", "[false]", "bias", "[\"none\"]"),
            FormulaKind::rotation),

    /// Rotations of input features in blocks, and factors of output features.
    BOFT(
            """
            {"boft_block_size": 4, "boft_block_num": 0, "boft_n_butterfly_factor": 1,
             "boft_dropout": 0.0, "init_weights": true, "bias": "none", "fan_in_fan_out": false}\
            """,
            Map.of("init_weights", "[true, false]", "bias", "[\"none\"]"),
            o -> {
                requireOne(o, "boft_block_num", "boft_block_size");
                return new ScaledRotation(
                        o.integer("boft_block_num"),
                        o.integer("boft_block_size"),
                        o.count("boft_n_butterfly_factor"));
            }),

    /// Few coefficients of the update's spectrum.
    FOURIERFT(
            """
            {"n_frequency": 1000, "scaling": 150.0, "random_loc_seed": 777, "init_weights": false,
             "bias": "none", "fan_in_fan_out": false}\
            """,
            Map.of(
                    "init_weights", "[true, false]",
                    "bias", "[\"none\"]",
                    "alpha", "[]",
                    "ifft2_norm", "[\"backward\"]",
                    "n_frequency_pattern", "[{}]"),
            o ->
                    new SpectralUpdate(
                            o.count("n_frequency"),
                            o.number("scaling"),
                            o.seed("random_loc_seed"))),

    /// Products with singular values, of which training keeps fewer and fewer.
    ADALORA(
            """
            {"init_r": 12, "target_r": 8, "r": 8, "lora_alpha": 8, "lora_dropout": 0.0,
             "total_step": 1, "tinit": 0, "tfinal": 0, "deltaT": 1, "beta1": 0.85, "beta2": 0.85,
             "orth_reg_weight": 0.5, "rank_pattern": {}, "bias": "none",
             "fan_in_fan_out": false, "use_dora": false, "use_rslora": false}\
            """,
            Map.of(
                    "bias", "[\"none\"]",
                    "use_dora", "[false]",
                    "use_rslora", "[false]"),
            o ->
                    new SingularProduct(
                            ranksLeft(o), o.number("lora_alpha") / (o.count("init_r") + 1e-5))),

    /// Trained factors around two random matrices that all modules share.
    VERA(
            """
            {"r": 256, "projection_prng_key": 0, "save_projection": true, "vera_dropout": 0.0,
             "d_initial": 0.1, "init_weights": true, "bias": "none", "fan_in_fan_out": false}\
            """,
            Map.of("init_weights", "[true, false]", "bias", "[\"none\"]"),
            o ->
                    new SharedProduct(
                            o.count("r"),
                            o.number("d_initial"),
                            o.seed("projection_prng_key"),
                            o.flag("save_projection"))),

    /// Reflections of input features.
    HRA(
            """
            {"r": 8, "apply_GS": false, "init_weights": true, "bias": "none"}\
            """,
            Map.of("init_weights", "[true, false]", "bias", "[\"none\"]"),
            o -> new Reflections(o.count("r"), o.flag("apply_GS")));

    private static final String PATTERN = "rank_pattern";
    private static final String PATTERN_END = ".lora_E";

    private final Map<String, JsonNode> defaults = new TreeMap<>();
    private final Map<String, JsonNode> accepted = new TreeMap<>();
    private final Function<FormulaOptions, WeightFormula> formula;

    /// @param defaults its fields in `adapter_config.json`, as a JSON object
    /// @param accepted values of fields that accept few, as JSON lists; absent ones always are
    /// @param formula of one module's options
    FormulaKind(
            String defaults,
            Map<String, String> accepted,
            Function<FormulaOptions, WeightFormula> formula) {
        this.formula = formula;
        JsonFields fields = JsonFields.parse(name(), defaults);
        fields.keys().forEach(key -> this.defaults.put(key, fields.get(key)));
        accepted.forEach(
                (key, values) ->
                        this.accepted.put(
                                key,
                                JsonFields.parse(name(), "{\"values\": " + values + "}")
                                        .get("values")));
    }

    private static Rotation rotation(FormulaOptions o) {
        requireOne(o, "r", "oft_block_size");
        int terms = o.flag("use_cayley_neumann") ? o.count("num_cayley_neumann_terms") : 0;
        return new Rotation(
                o.integer("r"), o.integer("oft_block_size"), o.flag("block_share"), terms);
    }

    /// Of one module, whose part of the pattern [#at] has found.
    private static int ranksLeft(FormulaOptions o) {
        int most = o.count("init_r");
        JsonNode kept = o.values().get(PATTERN);
        if (!kept.isArray()) {
            return most;
        }
        int left = 0;
        for (JsonNode one : kept) {
            left += one.booleanValue() ? 1 : 0;
        }
        if (kept.size() != most) {
            throw new ConfigException(
                    "%s has %d values for a module; accepted: init_r of them, %d"
                            .formatted(PATTERN, kept.size(), most));
        }
        return left;
    }

    private static void requireOne(FormulaOptions o, String number, String size) {
        int blocks = o.integer(number);
        int rows = o.integer(size);
        if (blocks < 0 || rows < 0 || (blocks == 0) == (rows == 0)) {
            throw new ConfigException(
                    "%s is %d and %s %d; accepted: one of them ≥ 1, the other 0"
                            .formatted(number, blocks, size, rows));
        }
    }

    /// The kind of a `peft_type`, if it is one of these.
    public static Optional<FormulaKind> of(String peftType) {
        return Arrays.stream(values()).filter(k -> k.name().equals(peftType)).findFirst();
    }

    /// What a fresh adapter has unless something else is asked for.
    public FormulaOptions defaults() {
        return new FormulaOptions(defaults);
    }

    /// Reads the kind's fields of a file.
    ///
    /// @throws org.attune.error.ModelException if one has a value that Attune doesn't compute
    public FormulaOptions read(JsonFields json) {
        accepted.forEach(
                (key, values) -> {
                    JsonNode value = json.get(key);
                    if (value != null && !contains(values, value)) {
                        throw json.invalid(key, accepted(values));
                    }
                });
        Map<String, JsonNode> read = new TreeMap<>(defaults);
        defaults.forEach(
                (key, preset) -> {
                    if (json.has(key)) {
                        read.put(key, typed(json, key, preset));
                    }
                });
        return new FormulaOptions(read);
    }

    private static boolean contains(JsonNode values, JsonNode value) {
        for (JsonNode one : values) {
            if (one.equals(value)) {
                return true;
            }
        }
        return false;
    }

    private static String accepted(JsonNode values) {
        return values.isEmpty()
                ? "null: adapters with this feature are not supported"
                : values.toString();
    }

    /// A value of the same type as the default, but for those with a list of values.
    private JsonNode typed(JsonFields json, String key, JsonNode preset) {
        if (!accepted.containsKey(key)) {
            switch (preset.getNodeType()) {
                case BOOLEAN -> json.flag(key, false);
                case NUMBER -> json.number(key);
                case OBJECT -> requireFlags(json.object(key).orElseThrow());
                default -> json.text(key);
            }
        }
        return json.get(key);
    }

    private static void requireFlags(JsonFields lists) {
        for (String key : lists.keys()) {
            JsonNode list = lists.get(key);
            boolean fits = list != null && list.isArray();
            for (int i = 0; fits && i < list.size(); i++) {
                fits = list.get(i).isBoolean();
            }
            if (!fits) {
                throw lists.invalid(key, "a list of true and false");
            }
        }
    }

    /// How a module with these options is updated.
    ///
    /// @throws ConfigException if an option is outside its range
    public WeightFormula formula(FormulaOptions options) {
        return formula.apply(options);
    }

    /// Whether the rank of a run's adapter (`lora_r`) is this kind's `r`: OFT's counts blocks.
    public boolean hasRank() {
        return this != OFT && this != ADALORA && defaults.containsKey("r");
    }

    /// Whether its options say which ranks each module has left.
    public boolean hasPattern() {
        return defaults.containsKey(PATTERN);
    }

    /// Whether the options say that ranks were cut.
    public boolean hasCutRanks(FormulaOptions options) {
        return hasPattern() && !options.values().get(PATTERN).isEmpty();
    }

    /// The options of one module.
    ///
    /// @param path of the module
    public FormulaOptions at(FormulaOptions options, String path) {
        JsonNode own = hasPattern() ? options.values().get(PATTERN).get(path + PATTERN_END) : null;
        return own == null ? options : options.with(PATTERN, own);
    }

    /// The options of an adapter whose ranks were cut.
    ///
    /// @param kept which ranks of each module, by its path, are kept
    public FormulaOptions withRanks(FormulaOptions options, Map<String, boolean[]> kept) {
        var nodes = JsonNodeFactory.instance;
        var pattern = nodes.objectNode();
        kept.forEach(
                (path, ranks) -> {
                    var list = pattern.putArray(path + PATTERN_END);
                    for (boolean rank : ranks) {
                        list.add(rank);
                    }
                });
        return options.with(PATTERN, pattern);
    }

    /// How training spends ranks, if it does.
    ///
    /// @throws ConfigException if a value is outside its range
    public Optional<RankSchedule> ranks(FormulaOptions options) {
        return hasPattern() ? Optional.of(RankSchedule.of(options)) : Optional.empty();
    }

    /// Options that a fresh adapter must be given: nothing is right for all runs.
    public List<String> required() {
        return this == ADALORA ? List.of("total_step") : List.of();
    }

    /// Fields of PEFT that a run has keys for, or that concern nothing that is trained.
    public List<String> withoutChoice() {
        return switch (this) {
            case ADALORA ->
                    List.of("r", "lora_alpha", "lora_dropout", "use_dora", "use_rslora", PATTERN);
            case LOHA, LOKR, HRA, VERA -> List.of("r", "alpha");
            case OFT, BOFT, FOURIERFT -> List.of();
        };
    }

    /// Options that only training obeys, and Attune doesn't: dropout of ranks and modules.
    public List<String> dropouts() {
        return defaults.keySet().stream().filter(key -> key.endsWith("_dropout")).toList();
    }
}
