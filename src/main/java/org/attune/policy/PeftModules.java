package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.layer.ModulePaths;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Which linear modules PEFT finds in models with experts, so that it reads what is written here.
///
/// transformers 5 holds all experts of a block in two parameters. Where its version 4 held modules,
/// PEFT takes the names of experts' matrices for LoRA on these parameters, and then finds no other
/// module of these names: neither shared experts nor dense layers. Elsewhere, and with all other
/// kinds of adapters, it finds these and no experts.
final class PeftModules {
    private static final Logger LOG = LoggerFactory.getLogger(PeftModules.class);

    private PeftModules() {}

    /// Whether a fresh adapter can't have a linear module, by its path.
    static Predicate<String> unfound(DecoderConfig model, AdapterConfig config) {
        Optional<TensorNames.Experts> experts = model.names().experts();
        if (experts.isEmpty()) {
            return _ -> false;
        }
        Set<String> names = names(experts.get());
        return config instanceof LoraConfig && model.expertsByName()
                ? path -> !isOneExpert(model, path) && names.contains(last(path))
                : path -> isOneExpert(model, path);
    }

    /// Whether a written adapter can't have a linear module: older versions of PEFT found more,
    /// and their files say so.
    static Predicate<String> unfound(DecoderConfig model, AdapterFolder adapter) {
        Set<String> there =
                adapter.targets().stream().map(AdapterTarget::path).collect(Collectors.toSet());
        return unfound(model, adapter.config()).and(path -> !there.contains(path));
    }

    /// Refuses a fresh adapter of experts that PEFT could not read.
    ///
    /// @param targets modules that get an adapter
    /// @throws ConfigException that names the option
    static void require(
            DecoderConfig model, AdapterConfig config, Collection<AdapterTarget> targets) {
        Set<String> named =
                targets.stream()
                        .map(AdapterTarget::path)
                        .filter(path -> isOneExpert(model, path))
                        .map(PeftModules::last)
                        .collect(Collectors.toCollection(TreeSet::new));
        if (named.isEmpty() || !(config instanceof LoraConfig lora)) {
            return;
        }
        Set<String> all = names(model.names().experts().orElseThrow());
        if (!named.containsAll(all)) {
            throw ConfigException.about(
                    "lora_target_modules",
                    "of experts it names %s, but PEFT reads adapters of %s together only; name all of these, or none"
                            .formatted(named, new TreeSet<>(all)));
        }
        // PEFT joins two updates to one of twice the rank, whose root is another factor.
        Optional<String> option =
                lora.rankStabilised()
                        ? Optional.of("use_rslora: true")
                        : lora.optionUnlikeParameters().or(() -> pattern(model, lora, targets));
        if (option.isPresent()) {
            throw ConfigException.about(
                    "lora_target_modules",
                    "%s are experts', for which PEFT has no %s; leave these names out, or that option"
                            .formatted(named, option.get()));
        }
    }

    /// A pattern that gives some experts another rank or factor, which PEFT would pass over.
    private static Optional<String> pattern(
            DecoderConfig model, LoraConfig lora, Collection<AdapterTarget> targets) {
        Stream<String> patterns =
                Stream.concat(
                        lora.rankPattern().keySet().stream(),
                        lora.alphaPattern().keySet().stream());
        return patterns.filter(
                        p ->
                                targets.stream()
                                        .map(AdapterTarget::path)
                                        .filter(path -> isOneExpert(model, path))
                                        .anyMatch(path -> LoraConfig.patternMatches(p, path)))
                .findFirst()
                .map(p -> "rank_pattern or alpha_pattern \"" + p + "\"");
    }

    private static Set<String> names(TensorNames.Experts experts) {
        return Stream.concat(experts.up().stream(), Stream.of(experts.down()))
                .collect(Collectors.toSet());
    }

    /// Names of modules that the configuration means and PEFT doesn't find, each once.
    static Set<String> leftOut(DecoderConfig model, AdapterConfig config) {
        Predicate<String> unfound = unfound(model, config);
        Set<String> names = new TreeSet<>();
        for (String path : ModulePaths.of(model).linears().keySet()) {
            if (unfound.test(path) && config.match(path).isPresent()) {
                names.add(
                        path.replaceFirst("^.*?\\.\\d+\\.", "").replaceFirst("\\.\\d+\\.", ".*."));
            }
        }
        return names;
    }

    /// Logs what the configuration means and PEFT doesn't find.
    static void tellLeftOut(DecoderConfig model, AdapterConfig config) {
        Set<String> names = leftOut(model, config);
        if (!names.isEmpty()) {
            LOG.info(
                    "{} in a {} model: PEFT has none for {}; these get none",
                    config.described(),
                    model.modelType(),
                    names);
        }
    }

    /// Whether a module is a matrix of one expert, e.g. `model.layers.0.mlp.experts.3.up_proj`.
    private static boolean isOneExpert(DecoderConfig model, String path) {
        return model.names().experts().stream().anyMatch(e -> path.contains("." + e.list() + "."));
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /// Refuses an adapter of other copies of blocks than the decoder has: modules of one name would
    /// be those of another block.
    ///
    /// @throws ConfigException naming both
    static void requireBlocks(DecoderConfig model, AdapterConfig config) {
        List<Integer> own = model.block().mixers().originals();
        List<Integer> wanted = MixersConfig.originals(config.replication());
        if (!own.equals(wanted)) {
            throw new ConfigException(
                    "the adapter has layer_replication %s, so it is for blocks %s; the model is loaded with blocks %s. Only one such adapter can stand on a loaded model"
                            .formatted(config.replication(), words(wanted), words(own)));
        }
    }

    private static String words(List<Integer> originals) {
        return originals.isEmpty() ? "as its files have them" : originals.toString();
    }
}
