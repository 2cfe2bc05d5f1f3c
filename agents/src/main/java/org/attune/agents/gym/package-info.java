/// Environments that other frameworks serve: resources servers of NeMo-Gym, and OpenEnv.
package org.attune.agents.gym;
