package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Embedding and output layer where an adapter changes their rows: LoRA of an embedding, and
/// trained rows of some tokens. Passes read copies of whole tables, which stand beside the base
/// model's weights; what is trained is small.
final class AdaptedTables {
    private final List<Table> tables = new ArrayList<>();

    /// @param uses one weight, or two that are one tensor
    /// @param made when parameters have memory
    private record Plan(
            List<Weight> uses,
            List<ParameterSpace.Parameter> parameters,
            Function<FlatParameters, AdaptedTable> made) {}

    /// @param copy that passes read
    private record Table(Plan plan, AdaptedTable adapted, Tensor copy) {}

    private final List<Plan> plans = new ArrayList<>();

    /// Adds the parameters that the configuration asks for.
    ///
    /// @param config of which [AdapterFit] knows that it fits the model
    AdaptedTables(Decoder decoder, AdapterConfig config, FlatParameters.Plan plan) {
        Weight embedding = decoder.embedding();
        Weight output = decoder.output().weight();
        boolean tied = decoder.config().tiesOutput();
        config.matchEmbedding(embedding.module())
                .ifPresent(
                        t -> {
                            boolean both = tied && config.tiesSaved();
                            lora(
                                    (LoraTarget) t,
                                    both ? List.of(embedding, output) : List.of(embedding),
                                    plan);
                        });
        config.tokenRows(embedding.module(), true)
                .ifPresent(
                        r -> rows(r, tied ? List.of(embedding, output) : List.of(embedding), plan));
        if (!tied) {
            config.tokenRows(output.module(), false).ifPresent(r -> rows(r, List.of(output), plan));
        }
    }

    private void lora(LoraTarget target, List<Weight> uses, FlatParameters.Plan plan) {
        Tensor base = uses.getFirst().base(); // (V, D)
        List<ParameterSpace.Parameter> parameters =
                target.tensors(base.size(1), base.size(0)).stream()
                        .map(t -> plan.add(t.name(), true, t.shape()))
                        .toList();
        plans.add(
                new Plan(uses, parameters, flat -> new LoraTable(target, base, parameters, flat)));
    }

    private void rows(AdapterTarget.TokenRows rows, List<Weight> uses, FlatParameters.Plan plan) {
        Tensor base = uses.getFirst().base();
        ParameterSpace.Parameter parameter =
                plan.add(rows.tensor(), true, rows.tokens().size(), base.size(1));
        plans.add(
                new Plan(
                        uses,
                        List.of(parameter),
                        flat -> new RowsTable(rows, base, parameter, flat)));
    }

    /// Puts copies, made in the current scope, beside the base model's weights.
    ///
    /// @param role of the adapter that they belong to
    void attach(FlatParameters flat, Adapter role) {
        for (Plan plan : plans) {
            var table =
                    new Table(plan, plan.made().apply(flat), plan.uses().getFirst().base().copy());
            tables.add(table);
            if (role.equals(Adapter.TRAINED)) {
                attachTrained(table);
            } else {
                plan.uses().forEach(w -> w.attachFrozen(role, table.copy()));
            }
        }
    }

    private static void attachTrained(Table table) {
        table.plan().uses().forEach(w -> w.attachTrained(table.copy(), table.adapted()));
    }

    /// Puts the trained copies back where another adapter's were.
    void attachAgain() {
        tables.forEach(AdaptedTables::attachTrained);
    }

    void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        tables.forEach(t -> t.adapted().initialise(initialisation, random));
    }

    /// Brings the copies up to date.
    void refresh() {
        tables.forEach(t -> t.adapted().write(t.copy()));
    }

    boolean changesNothing() {
        return tables.stream().allMatch(t -> t.adapted().changesNothing());
    }

    /// What is made of a weight, if something is.
    Optional<AdaptedTable> of(Weight weight) {
        return tables.stream()
                .filter(t -> t.plan().uses().contains(weight))
                .map(Table::adapted)
                .findFirst();
    }

    /// Paths of the modules that have LoRA.
    List<String> adapted() {
        return tables.stream()
                .filter(t -> t.adapted() instanceof LoraTable)
                .map(t -> t.plan().uses().getFirst().module())
                .toList();
    }
}
