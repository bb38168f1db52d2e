"""Read and write ROS 2 bags, without a ROS installation."""
