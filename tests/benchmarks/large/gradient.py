"""A gradient is compiled and run on the processor."""

import jax
import jax.numpy as jnp

print(jax.jit(jax.grad(lambda x: jnp.sum(x**3)))(jnp.arange(4.0)), jax.devices()[0].platform)
