package org.attune.adapter;

import org.attune.adapter.formula.WeightFormula;
import org.attune.adapter.formula.WeightFormula.Part;
import org.attune.adapter.formula.WeightFormula.Start;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// How the table of an adapter's virtual tokens, `(P, W)`, is made of trained tensors. Names and
/// first values are those of PEFT's encoders.
final class PromptFormulas {
    private static final Start NORMAL = Start.normal(0, 1);

    private PromptFormulas() {}

    /// The table itself.
    ///
    /// @param zero whether it begins with zeros; else with normal draws
    static WeightFormula table(boolean zero) {
        return new Table(zero ? Start.ZEROS : NORMAL);
    }

    /// Two layers with `tanh` between, [Li and Liang 2021, §4.3](https://arxiv.org/abs/2101.00190).
    ///
    /// @param width of what the first one reads
    /// @param hidden its rows
    /// @param zero whether the last layer begins with zeros
    static WeightFormula projection(int width, int hidden, boolean zero) {
        return new Layers(width, List.of(hidden), "transform", Between.TANH, zero);
    }

    /// Three layers with `relu` between, PEFT's usual encoder of p-tuning.
    ///
    /// @param width of what the first one reads
    /// @param hidden rows of the first two
    static WeightFormula layers(int width, int hidden) {
        return new Layers(width, List.of(hidden, hidden), "mlp_head", Between.RELU, false);
    }

    /// A bidirectional LSTM, and two layers with `relu` between, [Liu et al.
    /// 2021, §2.2](https://arxiv.org/abs/2103.10385).
    ///
    /// @param width of what the first layer reads
    /// @param hidden numbers of a state
    /// @param depth layers of the LSTM
    static WeightFormula recurrent(int width, int hidden, int depth) {
        return new Recurrent(width, hidden, depth);
    }

    private enum Between {
        TANH(Tensor::tanh),
        RELU(Tensor::relu);

        private final UnaryOperator<Tensor> function;

        Between(UnaryOperator<Tensor> function) {
            this.function = function;
        }
    }

    private static Part part(String name, Start start, long... shape) {
        return new Part(name, start, Start.KAIMING, shape);
    }

    private static Start within(double size) {
        return Start.uniform(1 / Math.sqrt(size));
    }

    /// @param start of its values
    private record Table(Start start) implements WeightFormula {
        @Override
        public List<Part> parts(long out, long in) {
            return List.of(part(PromptConfig.TABLE, start, out, in));
        }

        @Override
        public List<String> suffixes() {
            return List.of(PromptConfig.TABLE);
        }

        @Override
        public Tensor delta(Base base, List<Tensor> values) {
            return values.getFirst();
        }

        @Override
        public boolean readsWeight() {
            return false;
        }
    }

    /// Linear layers with biases, each but the last with a function behind.
    ///
    /// @param width of what the first one reads
    /// @param inner rows of all but the last
    /// @param name what their names begin with
    /// @param zero whether the last one begins with zeros
    private record Layers(
            int width, List<Integer> inner, String name, Between between, boolean zero)
            implements WeightFormula {
        @Override
        public List<Part> parts(long out, long in) {
            List<Part> parts = new ArrayList<>();
            parts.add(part("embedding.weight", NORMAL, out, width));
            parts.addAll(linears(in));
            return parts;
        }

        private List<Part> linears(long last) {
            List<Part> parts = new ArrayList<>();
            long read = width;
            for (int i = 0; i <= inner.size(); i++) {
                boolean ends = i == inner.size();
                long rows = ends ? last : inner.get(i);
                String at = "%s.%d.".formatted(name, 2 * i);
                boolean still = ends && zero;
                parts.add(part(at + "weight", still ? Start.ZEROS : Start.KAIMING, rows, read));
                parts.add(part(at + "bias", still ? Start.ZEROS : within(read), rows));
                read = rows;
            }
            return parts;
        }

        @Override
        public List<String> suffixes() {
            return parts(ANY, ANY).stream().map(Part::suffix).toList();
        }

        @Override
        public Tensor delta(Base base, List<Tensor> values) {
            return of(values.getFirst(), values.subList(1, values.size()));
        }

        private Tensor of(Tensor x, List<Tensor> values) {
            Tensor y = x;
            for (int i = 0; i < values.size(); i += 2) {
                y = (i == 0 ? y : between.function.apply(y)).linear(values.get(i));
                y = y.add(values.get(i + 1));
            }
            return y;
        }

        @Override
        public boolean readsWeight() {
            return false;
        }
    }

    /// @param width of what the first layer reads
    /// @param hidden numbers of a state
    /// @param depth layers of the LSTM
    private record Recurrent(int width, int hidden, int depth) implements WeightFormula {
        private static final int TENSORS = 4; // of a layer in one direction
        private static final int GATES = 4;

        private Layers head() {
            return new Layers(2 * hidden, List.of(2 * hidden), "mlp_head", Between.RELU, false);
        }

        @Override
        public List<Part> parts(long out, long in) {
            List<Part> parts = new ArrayList<>();
            parts.add(part("embedding.weight", NORMAL, out, width));
            long rows = (long) GATES * hidden;
            Start start = within(hidden);
            for (int layer = 0; layer < depth; layer++) {
                long read = layer == 0 ? width : 2L * hidden;
                for (String way : List.of("", "_reverse")) {
                    String end = "_l" + layer + way;
                    parts.add(part("lstm_head.weight_ih" + end, start, rows, read));
                    parts.add(part("lstm_head.weight_hh" + end, start, rows, hidden));
                    parts.add(part("lstm_head.bias_ih" + end, start, rows));
                    parts.add(part("lstm_head.bias_hh" + end, start, rows));
                }
            }
            parts.addAll(head().linears(in));
            return parts;
        }

        @Override
        public List<String> suffixes() {
            return parts(ANY, ANY).stream().map(Part::suffix).toList();
        }

        @Override
        public Tensor delta(Base base, List<Tensor> values) {
            Tensor x = values.getFirst();
            int at = 1;
            for (int layer = 0; layer < depth; layer++) {
                Tensor ahead = read(x, values.subList(at, at + TENSORS), false);
                Tensor back = read(x, values.subList(at + TENSORS, at + 2 * TENSORS), true);
                x = Tensor.cat(1, ahead, back);
                at += 2 * TENSORS;
            }
            return head().of(x, values.subList(at, values.size()));
        }

        /// One direction of a layer: gates of input, forgetting, cell and output, in that order.
        ///
        /// @param x `(P, read)`
        /// @return states, `(P, hidden)`
        private Tensor read(Tensor x, List<Tensor> values, boolean backwards) {
            int count = Math.toIntExact(x.size(0));
            Tensor own = x.linear(values.get(0)).add(values.get(2)).add(values.get(3)); // (P, 4H)
            Tensor[] states = new Tensor[count];
            Tensor state = null;
            Tensor cell = null;
            for (int i = 0; i < count; i++) {
                int row = backwards ? count - 1 - i : i;
                Tensor gates = own.narrow(0, row, 1);
                if (state != null) {
                    gates = gates.add(state.linear(values.get(1)));
                }
                Tensor kept = gate(gates, 0).sigmoid().mul(gate(gates, 2).tanh());
                cell = cell == null ? kept : gate(gates, 1).sigmoid().mul(cell).add(kept);
                state = gate(gates, 3).sigmoid().mul(cell.tanh());
                states[row] = state;
            }
            return Tensor.cat(0, states);
        }

        private Tensor gate(Tensor gates, int number) {
            return gates.narrow(1, (long) number * hidden, hidden);
        }

        @Override
        public boolean readsWeight() {
            return false;
        }
    }
}
