package org.attune.trainers.opening;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.FormulaConfig;
import org.attune.adapter.Ia3Config;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.adapter.TargetedModules;
import org.attune.adapter.formula.FormulaKind;
import org.attune.adapter.formula.FormulaOptions;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.error.Spelling;
import org.attune.files.JsonFields;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.ModulePaths;
import org.attune.models.ModelSetup;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.PeftType;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// The adapter that a run's settings ask for on a model.
///
/// @param config PEFT's configuration of it
/// @param shape of the model
public record AskedAdapter(AdapterConfig config, DecoderConfig shape) {
    /// PEFT's choice for the families of the Llama shape.
    private static final List<String> DEFAULT_TARGETS = List.of("q_proj", "v_proj");

    private static final Set<String> TOKEN_FIELDS = Set.of("token_indices", "init_weights");

    /// PEFT's choice of modules for IA³ in the families of the Llama shape.
    private static final List<String> IA3_TARGETS = List.of("k_proj", "v_proj", "down_proj");

    /// Modules of IA³'s default whose input is scaled.
    private static final List<String> IA3_FEEDFORWARD = List.of("down_proj");

    /// @throws ConfigException if settings of one kind of adapter are given for another
    public static AskedAdapter of(LoraSettings settings, ModelSetup model, DecoderConfig shape) {
        var whole = new LinkedHashSet<>(settings.loraModulesToSave());
        if (shape.scores()) {
            whole.addAll(AdapterConfig.CLASSIFIER_HEADS); // PEFT does so too
        }
        AdapterConfig config =
                switch (settings.peftType()) {
                    case LORA -> lora(settings);
                    case IA3 -> ia3(settings);
                    case TRAINABLE_TOKENS -> tokens(settings);
                    case LN_TUNING -> norms(settings, shape);
                    case PROMPT_TUNING, PREFIX_TUNING, P_TUNING ->
                            AskedPrompt.of(settings, model, shape);
                    case LOHA, LOKR, OFT, BOFT, FOURIERFT, VERA, HRA, ADALORA ->
                            formula(FormulaKind.valueOf(settings.peftType().name()), settings);
                };
        if (settings.peftType() != PeftType.IA3 && !settings.feedforwardModules().isEmpty()) {
            throw ConfigException.about(
                    "feedforward_modules",
                    settings.feedforwardModules() + "; accepted with peft_type: ia3 only");
        }
        return new AskedAdapter(
                config.with(
                        config.targets(),
                        List.copyOf(whole),
                        shape.scores() ? shape.scoreKind().taskType() : config.taskType(),
                        Optional.of(model.source().nameOrPath())),
                shape);
    }

    /// Has a model's blocks stand as often as the adapter asks for; an adapter to start from has
    /// had them so already.
    ///
    /// @throws ConfigException if the model hasn't such blocks, or they differ in kind
    public static void repeatLayers(LoraSettings settings, ModelSetup model) {
        if (settings.usePeft()
                && settings.peftType() == PeftType.LORA
                && model.adapter().isEmpty()) {
            List<List<Integer>> ranges = lora(settings).replication();
            try {
                model.repeatLayers(ranges);
            } catch (ModelException e) {
                throw ConfigException.about("peft_kwargs", e.getMessage());
            }
        }
    }

    private static LoraConfig lora(LoraSettings settings) {
        LoraConfig usual = usualLora(settings);
        if (settings.peftKwargs().isEmpty()) {
            return usual;
        }
        Map<String, Object> fields = new TreeMap<>(settings.peftKwargs());
        fields.keySet().forEach(key -> requireField("LORA", key, LoraConfig.moreFields()));
        try {
            return usual.with("peft_type: lora", fields);
        } catch (AttuneException e) {
            throw ConfigException.about("peft_kwargs", e.getMessage());
        }
    }

    private static AdapterConfig.Tokens tokens(LoraSettings settings) {
        requireNoLora(settings);
        Map<String, Object> fields = new TreeMap<>(settings.peftKwargs());
        fields.keySet().forEach(key -> requireField("TRAINABLE_TOKENS", key, TOKEN_FIELDS));
        fields.put("target_modules", settings.loraTargetModules());
        try {
            return AdapterConfig.Tokens.of("peft_type: trainable_tokens", fields);
        } catch (AttuneException e) {
            throw ConfigException.about("peft_kwargs", e.getMessage());
        }
    }

    private static LoraConfig usualLora(LoraSettings settings) {
        return new LoraConfig(
                settings.loraR(),
                settings.loraAlpha(),
                settings.loraDropout(),
                settings.useRslora(),
                settings.useDora(),
                targets(settings.loraTargetModules(), DEFAULT_TARGETS),
                Optional.empty(),
                List.of(),
                List.of(),
                settings.loraRankPattern(),
                settings.loraAlphaPattern(),
                List.of(),
                false,
                LoraInitialisation.KAIMING,
                "CAUSAL_LM",
                Optional.empty());
    }

    private static Ia3Config ia3(LoraSettings settings) {
        requireNoKwargs(settings);
        requireNoLora(settings);
        List<String> modules = settings.loraTargetModules();
        List<String> feedforward = settings.feedforwardModules();
        if (feedforward.isEmpty()) {
            boolean open = modules.isEmpty() || !areNames(modules);
            feedforward =
                    IA3_FEEDFORWARD.stream().filter(m -> open || modules.contains(m)).toList();
        }
        return Ia3Config.of(targets(modules, IA3_TARGETS), targets(feedforward, List.of()));
    }

    /// Unset: all norms of hidden states.
    private static AdapterConfig norms(LoraSettings settings, DecoderConfig shape) {
        requireNoKwargs(settings);
        requireNoLora(settings);
        List<String> paths = new ArrayList<>(shape.names().norms());
        paths.add(shape.names().finalNormPath());
        List<String> all =
                paths.stream().map(p -> p.substring(p.lastIndexOf('.') + 1)).distinct().toList();
        try {
            return AdapterConfig.ofNorms(targets(settings.loraTargetModules(), all));
        } catch (ConfigException e) {
            throw ConfigException.about("lora_target_modules", e.getMessage());
        }
    }

    private static FormulaConfig formula(FormulaKind kind, LoraSettings settings) {
        requireNoLora(settings);
        Map<String, Object> fields = new TreeMap<>();
        fields.put("use_cayley_neumann", true); // PEFT's choice for fresh adapters
        fields.put("init_weights", true); // a random spectrum would undo what a small model knows
        fields.keySet().retainAll(kind.defaults().values().keySet());
        settings.peftKwargs()
                .forEach(
                        (key, value) -> {
                            requireField(kind, key);
                            fields.put(key, value);
                        });
        for (String key : kind.required()) {
            if (!settings.peftKwargs().containsKey(key)) {
                throw ConfigException.about(
                        "peft_kwargs",
                        "%s is missing, which PEFT wants too: how many updates the run has"
                                .formatted(key));
            }
        }
        try {
            FormulaOptions options =
                    kind.read(
                            JsonFields.of(
                                    "peft_type: "
                                            + settings.peftType().name().toLowerCase(Locale.ROOT),
                                    fields));
            boolean scaled = options.values().containsKey("alpha");
            FormulaOptions ranked = kind.hasRank() ? options.with("r", settings.loraR()) : options;
            if (options.values().containsKey("lora_alpha")) {
                ranked = ranked.with("lora_alpha", settings.loraAlpha());
            }
            var config =
                    new FormulaConfig(
                            kind,
                            scaled ? ranked.with("alpha", settings.loraAlpha()) : ranked,
                            scaled ? settings.loraRankPattern() : Map.of(),
                            scaled ? settings.loraAlphaPattern() : Map.of(),
                            TargetedModules.of(
                                    targets(settings.loraTargetModules(), DEFAULT_TARGETS)),
                            "CAUSAL_LM",
                            Optional.empty());
            config.untrainable()
                    .ifPresent(
                            why -> {
                                throw new ConfigException(why);
                            });
            return config;
        } catch (AttuneException e) {
            throw ConfigException.about("peft_kwargs", e.getMessage());
        }
    }

    /// A field that is a key of the run's file would have two values.
    private static void requireField(FormulaKind kind, String key) {
        Set<String> own = new TreeSet<>(kind.defaults().values().keySet());
        own.remove("fan_in_fan_out");
        own.removeAll(kind.withoutChoice());
        requireField(
                kind.name() + (kind.hasRank() ? " beside lora_r and lora_alpha" : ""), key, own);
    }

    static void requireField(String kind, String key, Set<String> own) {
        if (!own.contains(key)) {
            String meant =
                    Spelling.nearest(key, own)
                            .map(name -> "; did you mean \"" + name + "\"?")
                            .orElse("");
            throw ConfigException.about(
                    "peft_kwargs",
                    "\"%s\" is no field of %s; there are %s%s".formatted(key, kind, own, meant));
        }
    }

    private static void requireNoKwargs(LoraSettings settings) {
        if (!settings.peftKwargs().isEmpty()) {
            throw ConfigException.about(
                    "peft_kwargs",
                    settings.peftKwargs() + "; accepted with all other kinds of peft_type");
        }
    }

    private static void requireNoLora(LoraSettings settings) {
        if (settings.useDora() || settings.useRslora()) {
            throw ConfigException.about(
                    settings.useDora() ? "use_dora" : "use_rslora",
                    "true; accepted with peft_type: lora only");
        }
    }

    private static boolean areNames(List<String> modules) {
        return modules.size() > 1 || modules.getFirst().matches("\\w+");
    }

    /// TRL hands a list of one to PEFT as text: `all-linear` or a regular expression.
    private static ModuleSelection targets(List<String> modules, List<String> unset) {
        if (modules.isEmpty()) {
            return new ModuleSelection.Names(unset);
        }
        return areNames(modules)
                ? new ModuleSelection.Names(modules)
                : ModuleSelection.of(modules.getFirst());
    }

    /// An adapter to start from says itself what it is. Settings that ask for another one would be
    /// read and not obeyed.
    void requireSame(AdapterFolder given) {
        ModulePaths modules = ModulePaths.of(shape);
        Set<String> paths = modules.linears().keySet();
        String embedding = modules.embedding();
        Set<AdapterTarget> wanted = Set.copyOf(config.matchAll(paths, embedding));
        Set<AdapterTarget> there = Set.copyOf(given.config().matchAll(paths, embedding));
        Set<String> whole = Set.copyOf(config.modulesToSave());
        if (!wanted.equals(there)
                || !whole.equals(Set.copyOf(given.config().modulesToSave()))
                || !config.biases().equals(given.config().biases())
                || !rows(config, modules).equals(rows(given.config(), modules))) {
            throw ConfigException.about(
                    "use_peft",
                    ("true and the lora_ keys ask for %s, but adapter_name_or_path: %s holds %s;"
                         + " leave use_peft and the lora_ keys out to go on with the adapter as it"
                         + " is")
                            .formatted(
                                    described(config, wanted),
                                    given.path(),
                                    described(given.config(), there)));
        }
    }

    private static List<Object> rows(AdapterConfig config, ModulePaths modules) {
        return List.of(
                config.virtualTokens(),
                config.matchEmbedding(modules.embedding()),
                config.tokenRows(modules.embedding(), true),
                config.tokenRows(modules.output(), false));
    }

    private static String described(AdapterConfig config, Set<AdapterTarget> targets) {
        return "%s on %d modules%s"
                .formatted(
                        config.described(),
                        targets.size(),
                        config.modulesToSave().isEmpty()
                                ? ""
                                : " and of " + config.modulesToSave() + " whole");
    }
}
