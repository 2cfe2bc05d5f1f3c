package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;

/// What an adapter does to one linear module, all patterns resolved.
@Api(EXPERIMENTAL)
public sealed interface AdapterTarget permits LoraTarget, Ia3Target, FormulaTarget {
    /// What names in PEFT's files begin with.
    String PREFIX = "base_model.model.";

    /// A tensor of the adapter in PEFT's files.
    ///
    /// @param name in the file
    /// @param shape row-major
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record NamedShape(String name, long... shape) {}

    /// Rows of an embedding or output layer that are trained, the rows of some tokens. What is kept
    /// are the rows themselves, in the order of the tokens.
    ///
    /// @param tensor name in PEFT's files
    /// @param tokens ids
    /// @param startsAtBase whether a fresh adapter has the model's own rows, else random ones
    public record TokenRows(String tensor, List<Integer> tokens, boolean startsAtBase) {
        /// End of the name of a tensor with such rows.
        static final String SUFFIX = ".trainable_tokens_delta";

        public TokenRows {
            tokens = List.copyOf(tokens);
        }
    }

    /// Path of the module, e.g. `model.layers.0.self_attn.q_proj`.
    String path();

    /// What is trained, in the order in which it is kept.
    ///
    /// @param out rows of the module's weight
    /// @param in its columns; where sizes are not known both are
    ///     [ANY][org.attune.adapter.formula.WeightFormula#ANY]
    /// @return empty if sizes aren't known and decide which tensors there are
    List<NamedShape> tensors(long out, long in);

    /// Name in PEFT's files of the untouched weight under an adapter, which PEFT saves of output
    /// layers.
    ///
    /// @param path of the module
    static String nameOfBase(String path) {
        return PREFIX + path + ".base_layer.weight";
    }

    /// Name in PEFT's files of a tensor that is trained in full (`modules_to_save`).
    ///
    /// @param tensor Hugging Face's name, e.g. `lm_head.weight`
    static String nameOfSaved(String tensor) {
        return PREFIX + tensor;
    }
}
