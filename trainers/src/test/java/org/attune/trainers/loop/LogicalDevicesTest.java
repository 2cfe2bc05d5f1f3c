package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.optim.FlatParameters;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/// Sums over devices of several models, as of a policy and of a critic that is another network.
class LogicalDevicesTest {
    private static FlatParameters space(int count) {
        var all = new Parameter("w", new long[] {count}, 0, true);
        return new FlatParameters(List.of(all), new float[count]);
    }

    private static void add(FlatParameters to, float number) {
        try (var _ = TensorScope.open("test")) {
            Tensor gradients = to.gradients();
            gradients.addInPlace(
                    Tensor.of(gradients.device(), repeated(number, gradients), gradients.size()));
        }
    }

    private static float[] repeated(float number, Tensor like) {
        float[] numbers = new float[Math.toIntExact(like.size())];
        Arrays.fill(numbers, number);
        return numbers;
    }

    /// Models of different sizes, together and one after the other.
    @Test
    void eachModelHasItsOwnSums() {
        Engine.run(
                () -> {
                    try (var devices = new LogicalDevices(4, new SingleProcess(), 0);
                            FlatParameters policy = space(7);
                            FlatParameters critic = space(5)) {
                        devices.addUp(
                                List.of(policy, critic),
                                _ -> 1,
                                (device, _) -> {
                                    add(policy, device + 1);
                                    add(critic, 10 * (device + 1));
                                });
                        expect(policy, 1 + 2 + 3 + 4);
                        expect(critic, 10 + 20 + 30 + 40);
                        policy.gradients().zeroInPlace();
                        critic.gradients().zeroInPlace();
                        for (FlatParameters one : List.of(critic, policy)) {
                            devices.addUp(List.of(one), _ -> 1, (device, _) -> add(one, device));
                            expect(one, 1 + 2 + 3);
                        }
                    }
                });
    }

    private static void expect(FlatParameters space, float sum) {
        Tensor gradients = space.gradients();
        assertArrayEquals(repeated(sum, gradients), gradients.toFloats());
    }
}
