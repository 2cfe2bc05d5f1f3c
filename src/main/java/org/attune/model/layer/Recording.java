package org.attune.model.layer;

import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/// A part of a model in ordinary operators, for one pass with an adapter. Where it records, its
/// backward pass adds to the gradients of what is trained.
final class Recording implements Expression {
    private final Adapter adapter;
    private final Dropout dropout;
    private final Leaves learning;
    private final List<Leaf> leaves = new ArrayList<>();

    /// @param learner gets the gradient of the parameter, float32
    private record Leaf(Tensor parameter, Consumer<Tensor> learner) {}

    Recording(Adapter adapter, Dropout dropout) {
        this(adapter, dropout, true);
    }

    /// @param records false of a forward pass
    Recording(Adapter adapter, Dropout dropout, boolean records) {
        this.adapter = adapter;
        this.dropout = dropout;
        learning = records ? this::leaf : Leaves.NONE;
    }

    private Tensor leaf(Tensor parameter, Consumer<Tensor> learner) {
        if (learner == null) {
            return parameter;
        }
        Tensor leaf = parameter.detach().requireGradient(true);
        leaves.add(new Leaf(leaf, learner));
        return leaf;
    }

    @Override
    public Tensor of(FusedLinear linear, Tensor x) {
        Tensor[] parts = new Tensor[linear.parts().size()];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = new PlainLinear(linear, i, adapter, dropout, learning).forward(x);
        }
        return parts.length == 1 ? parts[0] : Tensor.cat(1, parts);
    }

    @Override
    public Tensor value(Weight weight) {
        return learning.leaf(weight.value(adapter), weight.gradient(adapter), 1);
    }

    /// The gradient of what a part reads, in the current scope.
    ///
    /// @param dOut gradient of what it gives
    Tensor backward(Tensor x, Tensor dOut, UnaryOperator<Tensor> part) {
        Tensor input = x.detach().requireGradient(true);
        try (var _ = Autograd.enabled()) {
            part.apply(input).backward(dOut);
        }
        for (Leaf leaf : leaves) {
            Tensor gradient = leaf.parameter().gradient(); // null: nothing depends on it
            if (gradient != null) {
                leaf.learner().accept(gradient.to(DType.FLOAT32));
            }
        }
        return input.gradient().copy();
    }
}
