package org.attune.tensor;

import org.junit.jupiter.api.Test;

/// The self-check passes on the libtorch of the tests, whichever that is.
class SelfCheckTest {
    @Test
    void theLibtorchOfTheTestsGivesRightNumbers() {
        Engine.run(() -> SelfCheck.run(Engine.libtorch()));
    }
}
