/// An episode: a prompt, the turns a policy took, and what tools or an environment answered, as
/// tokens and as messages.
package org.attune.episode;
