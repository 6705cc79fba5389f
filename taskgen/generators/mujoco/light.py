"""Bodies of our own that learn in minutes: pendulum, cart and pole, reacher, point mass.

Their numbers are chosen so that the physics that a task changes is felt: no motor is so strong
that weight or damping would not matter.
"""

from __future__ import annotations

from taskgen.generators.mujoco.bodies import Body

_HEAD = """
<mujoco>
  <option timestep="{timestep}" integrator="RK4"/>
  <default>
    <geom contype="0" conaffinity="0" rgba="0.2 0.4 0.7 1"/>
    <motor ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <light pos="0 0 4" dir="0 0 -1" directional="true"/>
"""

PENDULUM = Body(
    name="pendulum",
    model=_HEAD.format(timestep=0.01)
    + """
    <body name="rod">
      <joint name="pivot" type="hinge" axis="0 1 0" damping="0.05" armature="0.01"/>
      <geom type="capsule" fromto="0 0 0 0 0 1" size="0.05" mass="1"/>
    </body>
  </worldbody>
  <actuator><motor joint="pivot" gear="2"/></actuator>
</mujoco>""",
    frame_skip=5,
    actuators=("pivot",),
    parts={"rod": ("rod",)},
    limbs={"pivot": ("pivot",)},
    tracked="root",
    coordinates=1,
    axes=("x",),
    observed=("angles_as_vectors", "velocities"),
    position_noise=3.141592653589793,
    velocity_noise=1.0,
    camera=(3.0, 0.0),
)
CART_POLE = Body(
    name="cart-pole",
    model=_HEAD.format(timestep=0.01)
    + """
    <geom type="capsule" fromto="-2 0 0 2 0 0" size="0.02" rgba="0.6 0.6 0.6 1"/>
    <body name="cart">
      <joint name="slider" type="slide" axis="1 0 0" limited="true" range="-1.8 1.8"
             damping="0.1" armature="0.05"/>
      <geom type="box" size="0.2 0.1 0.1" mass="1"/>
      <body name="pole">
        <joint name="hinge" type="hinge" axis="0 1 0" damping="0.005" armature="0.001"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.6" size="0.03" mass="0.2"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="slider" gear="10"/></actuator>
</mujoco>""",
    frame_skip=4,
    actuators=("slider",),
    parts={"cart": ("cart",), "pole": ("pole",)},
    limbs={"slider": ("slider",)},
    tracked="root",
    coordinates=2,
    axes=("x",),
    observed=("slides", "angles_as_vectors", "velocities"),
    start=(0.0, 3.141592653589793),
    position_noise=0.05,
    velocity_noise=0.05,
    camera=(4.0, 0.0),
)
REACHER = Body(
    name="reacher",
    model=_HEAD.format(timestep=0.01)
    + """
    <body name="upper_arm">
      <joint name="shoulder" type="hinge" axis="0 0 1" damping="0.02" armature="0.002"/>
      <geom type="capsule" fromto="0 0 0 0.1 0 0" size="0.01" mass="0.5"/>
      <body name="forearm" pos="0.1 0 0">
        <joint name="elbow" type="hinge" axis="0 0 1" limited="true" range="-170 170"
               damping="0.02" armature="0.002"/>
        <geom type="capsule" fromto="0 0 0 0.1 0 0" size="0.01" mass="0.5"/>
        <site name="tip" pos="0.1 0 0"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="shoulder" gear="0.3"/><motor joint="elbow" gear="0.2"/></actuator>
</mujoco>""",
    frame_skip=2,
    actuators=("shoulder", "elbow"),
    parts={"upper_arm": ("upper_arm",), "forearm": ("forearm",)},
    limbs={"shoulder": ("shoulder",), "elbow": ("elbow",)},
    tracked="site:tip",
    coordinates=2,
    observed=("angles_as_vectors", "velocities", "tracked"),
    position_noise=0.1,
    velocity_noise=0.05,
    horizontal=True,
    camera=(0.6, 0.6),
)
POINT_MASS = Body(
    name="point-mass",
    model=_HEAD.format(timestep=0.025)
    + """
    <body name="mass">
      <joint name="x" type="slide" axis="1 0 0" damping="2.5" armature="0.1"/>
      <joint name="y" type="slide" axis="0 1 0" damping="2.5" armature="0.1"/>
      <geom type="sphere" size="0.05" mass="0.9"/>
    </body>
  </worldbody>
  <actuator><motor joint="x" gear="5"/><motor joint="y" gear="5"/></actuator>
</mujoco>""",
    frame_skip=2,
    actuators=("x", "y"),
    parts={"mass": ("mass",)},
    limbs={"x": ("x",), "y": ("y",)},
    tracked="root",
    coordinates=2,
    observed=("positions", "velocities"),
    position_noise=0.02,
    velocity_noise=0.02,
    horizontal=True,
    camera=(3.0, 3.0),
)
