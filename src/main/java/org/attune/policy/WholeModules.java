package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.LoraOptions;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Modules that are trained whole beside an adapter (PEFT's `modules_to_save`): the embedding, the
/// output layer, norms, and what else of an encoder of pictures is no linear module
/// ([WholeLinears]). Their float32 masters stand among the adapter's parameters; the compute
/// copies stand beside the base model's weights, which stay as they are.
final class WholeModules {
    private static final String BIAS = ".bias";

    private final Decoder decoder;
    private final AdapterConfig config;
    private final List<Module> modules = new ArrayList<>();
    private final List<Tensor> copies = new ArrayList<>(); // one per module
    private final List<Tensor> gradients = new ArrayList<>(); // as many, if it is trained

    /// @param uses one weight, or two that are one tensor
    /// @param names in PEFT's files, one of each use
    private record Module(
            ParameterSpace.Parameter parameter, List<Weight> uses, List<String> names) {}

    /// Adds the parameters that the configuration asks for.
    ///
    /// @param config of which [AdapterFit] knows that its modules can be trained whole
    /// @param adapted paths of modules with an adapter
    WholeModules(
            Decoder decoder, AdapterConfig config, Set<String> adapted, FlatParameters.Plan plan) {
        this.decoder = decoder;
        this.config = config;
        boolean tied = decoder.config().tiesOutput();
        Weight embedding = decoder.embedding();
        Weight output = decoder.output().weight();
        boolean together = tied && config.tiesSaved();
        if (config.savesWhole(embedding.module(), tied)) {
            add(plan, true, together ? List.of(embedding, output) : List.of(embedding));
        }
        if (!together && config.savesWhole(output.module(), tied)) {
            add(plan, true, List.of(output));
            decoder.output().bias().ifPresent(bias -> add(plan, false, List.of(bias)));
        }
        for (Weight positions : decoder.input().positions().stream().toList()) {
            if (config.savesWhole(positions.module(), tied)) {
                add(plan, true, List.of(positions));
            }
        }
        for (Weight norm : norms(decoder)) {
            if (config.savesAround(norm.module(), tied)) {
                add(plan, false, List.of(norm));
            }
        }
        for (Weight other : decoder.others()) {
            if (config.savesAround(other.module(), tied)) {
                boolean decays =
                        !other.name().contains("bias")
                                && WholeLinears.isRead(decoder, other.name());
                add(plan, decays, List.of(other));
            }
        }
        biases(config.biases(), adapted, plan);
    }

    /// Adds the biases of what is no linear layer, and of the output layer.
    private void biases(LoraOptions.Biases which, Set<String> adapted, FlatParameters.Plan plan) {
        decoder.output()
                .bias()
                .filter(bias -> parameterOf(bias).isEmpty())
                .ifPresent(
                        bias -> {
                            boolean has = adapted.contains(bias.module());
                            if (WholeLinears.isMeant(which, has)) {
                                bias(bias, WholeLinears.name(bias.module(), has), plan);
                            }
                        });
        List<Weight> others = new ArrayList<>(norms(decoder));
        others.addAll(decoder.others());
        for (Weight other : others) {
            if (WholeLinears.isMeant(which, false)
                    && other.name().endsWith(BIAS)
                    && parameterOf(other).isEmpty()) {
                bias(other, WholeLinears.name(other.module(), false), plan);
            }
        }
    }

    private void bias(Weight bias, String name, FlatParameters.Plan plan) {
        ParameterSpace.Parameter p = plan.add(name, false, bias.base().shape());
        modules.add(new Module(p, List.of(bias), List.of(name)));
    }

    /// Whether a parameter is a bias.
    boolean isBias(ParameterSpace.Parameter parameter) {
        return modules.stream()
                .anyMatch(
                        m ->
                                m.parameter().equals(parameter)
                                        && m.uses().getFirst().name().endsWith(BIAS));
    }

    /// Whether nothing is trained whole.
    boolean isEmpty() {
        return modules.isEmpty();
    }

    private void add(FlatParameters.Plan plan, boolean decays, List<Weight> uses) {
        Weight first = uses.getFirst();
        String name = config.nameOfSaved(first.name());
        modules.add(
                new Module(
                        plan.add(name, decays, first.base().shape()),
                        uses,
                        uses.stream().map(w -> config.nameOfSaved(w.name())).toList()));
    }

    private static List<Weight> norms(Decoder decoder) {
        return decoder.norms().stream().flatMap(n -> n.weights().stream()).toList();
    }

    private static List<Weight> weights(Decoder decoder) {
        var all = new ArrayList<Weight>();
        all.add(decoder.embedding());
        decoder.input().positions().ifPresent(all::add);
        all.addAll(norms(decoder));
        all.addAll(decoder.others());
        all.add(decoder.output().weight());
        decoder.output().bias().ifPresent(all::add);
        return all;
    }

    /// Sets the masters to the base model's values and puts compute copies, made in the current
    /// scope, beside the base weights; weights that aren't among them lose theirs.
    ///
    /// @param role of the adapter that they belong to
    void attach(FlatParameters flat, Adapter role) {
        boolean learns = role.equals(Adapter.TRAINED);
        for (Weight weight : weights(decoder)) {
            if (learns) {
                weight.detachTrained();
            } else {
                weight.detachFrozen(role);
            }
        }
        for (Module m : modules) {
            Tensor base = m.uses().getFirst().base();
            Tensor computed = base.copy();
            if (learns) {
                gradients.add(flat.gradient(m.parameter()));
            }
            for (Weight weight : m.uses()) {
                if (learns) {
                    weight.attachTrained(computed, gradients.getLast());
                } else {
                    weight.attachFrozen(role, computed);
                }
            }
            copies.add(computed);
            try (var _ = TensorScope.open("whole")) {
                flat.value(m.parameter()).copyInPlace(base);
            }
        }
    }

    /// Takes the trained versions of all weights beside linear layers away.
    static void detachTrained(Decoder decoder) {
        weights(decoder).forEach(Weight::detachTrained);
    }

    /// Puts the trained copies back where another adapter's were.
    void attachAgain() {
        detachTrained(decoder);
        for (int i = 0; i < modules.size(); i++) {
            Tensor computed = copies.get(i);
            Tensor gradient = gradients.get(i);
            modules.get(i).uses().forEach(w -> w.attachTrained(computed, gradient));
        }
    }

    /// Brings the compute copies up to date, in the current scope.
    void refresh(FlatParameters flat) {
        for (int i = 0; i < modules.size(); i++) {
            copies.get(i).copyInPlace(flat.value(modules.get(i).parameter()));
        }
    }

    /// The parameter that is trained in a weight's place.
    Optional<ParameterSpace.Parameter> parameterOf(Weight weight) {
        return modules.stream()
                .filter(m -> m.uses().contains(weight))
                .map(Module::parameter)
                .findFirst();
    }

    /// Names of a parameter in PEFT's files: two if it serves as embedding and output layer.
    List<String> namesOf(ParameterSpace.Parameter parameter) {
        return modules.stream()
                .filter(m -> m.parameter().equals(parameter))
                .flatMap(m -> m.names().stream())
                .toList();
    }
}
